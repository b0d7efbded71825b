// What a client wants sent, once, and what it and its reviewers were told about it.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/id.hpp"
#include "mailbox/message.hpp"

namespace countersign::sim {

/// One reviewer of a held message and how it ended for that person.
struct Review {
  enum class Outcome : std::uint8_t { open, won, lost };

  std::string actor;
  bool approves = true;
  std::optional<std::string> subject;          // an edit
  std::optional<std::vector<std::string>> to;  // an edit
  Outcome outcome = Outcome::open;
};

struct Intent {
  int number = 0;
  std::string_view agent;
  mailbox::Draft draft;
  std::string conversation;  // how its message is found again
  std::string key;
  std::optional<MessageId> acknowledged;
  bool answers_differ = false;  // two answers to one key named two messages
  std::vector<Review> reviews;

  [[nodiscard]] bool held() const;
};

}  // namespace countersign::sim
