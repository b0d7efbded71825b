// What a client wants sent, once, and what it and its reviewers were told about it.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/id.hpp"
#include "base/time.hpp"
#include "mailbox/message.hpp"

namespace countersign::sim {

/// An approval that its reviewer takes back.
struct SecondThought {
  Duration undo_for{};  // so long what it queues waits
  Duration after{};     // so much later the reviewer thinks again
  std::size_t review;   // in which the same person decides anew
};

/// One reviewer of a held message and how it ended for that person.
struct Review {
  enum class Outcome : std::uint8_t {
    not_begun,  // of a second thought, until the first decision is taken back
    open,
    won,
    lost,
    taken_back,        // won, and the undo was confirmed
    maybe_taken_back,  // … and refused, while an earlier request for it may have come through
  };

  std::string actor;
  bool approves = true;
  std::optional<std::string> subject;          // an edit
  std::optional<std::vector<std::string>> to;  // an edit
  std::optional<SecondThought> second_thought{};
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
