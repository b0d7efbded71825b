// A held message and a decision as the console shows them (web/API.md). Internal to console.
#pragma once

#include <boost/json/object.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "mailbox/message.hpp"
#include "store/tx.hpp"

namespace countersign::console {

/// What a list of holds shows beside the messages' own rows.
struct HoldExtras {
  std::string on_expiry;
  std::int64_t attachments = 0;
  std::string snippet;
};
/// The extras of each message, in their order.
[[nodiscard]] std::vector<HoldExtras> load_extras(store::ReadTx& tx,
                                                  const std::vector<mailbox::Message>& messages);
/// ReviewView of the contract, and what a list of holds needs beside it.
[[nodiscard]] boost::json::object hold_view(const mailbox::Message& message, const HoldExtras& extras);

/// The first words of a text, on one line.
[[nodiscard]] std::string snippet_of(std::string_view text);

/// Who decided what about a message of the account; nothing when nobody did.
[[nodiscard]] std::optional<boost::json::object> find_decision(store::ReadTx& tx, const UserId& user,
                                                               const MessageId& id);

}  // namespace countersign::console
