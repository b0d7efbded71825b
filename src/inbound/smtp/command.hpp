// The commands and what they may be given: a table, and pure readers of one line. No state, no I/O.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.hpp"

namespace countersign::inbound::smtp {

enum class Dialect : std::uint8_t { smtp, lmtp };

enum class Verb : std::uint8_t {
  helo,
  ehlo,
  lhlo,
  mail,
  rcpt,
  data,
  bdat,
  rset,
  noop,
  vrfy,
  expn,
  help,
  quit,
  starttls,
  auth,
  not_mail,  // a browser's, or a proxy's: such clients are hung up on
};

enum class Argument : std::uint8_t { none, optional, required };

struct CommandRule {
  std::string_view name;
  Verb verb;
  Argument argument;
  bool needs_greeting;  // 503 before EHLO, HELO or LHLO
  bool needs_mail;      // 503 before MAIL
  bool is_progress;     // belongs to handing over a message: not counted as idle chatter
};

struct Command {
  const CommandRule* rule = nullptr;  // nothing: not in the table
  std::string_view argument;          // without surrounding blanks
};

/// `line` is without CRLF. Verbs are read in any case (RFC 5321 §2.4).
[[nodiscard]] Command parse_command(std::string_view line);

/// A domain or address literal as EHLO takes it (RFC 5321 §4.1.1.1), read kindly: at most 255 bytes of
/// graphic ASCII or valid UTF-8 that cannot break a trace field.
[[nodiscard]] bool is_helo_name(std::string_view name);

struct MailArguments {
  std::string from;  // "" for the null sender
  std::optional<std::uint64_t> size;
  bool smtputf8 = false;
};

/// What stands behind MAIL. Refuses with the reply to give (see reply.hpp).
[[nodiscard]] Result<MailArguments, std::string_view> parse_mail(std::string_view argument);

/// What stands behind RCPT: the forward-path without brackets and source route. `<Postmaster>` without a
/// domain becomes postmaster@`host_name` (RFC 5321 §4.5.1). Refuses with the reply to give.
[[nodiscard]] Result<std::string, std::string_view> parse_rcpt(std::string_view argument, bool smtputf8,
                                                               std::string_view host_name);

struct ChunkArguments {
  std::uint64_t octets = 0;
  bool last = false;
};

/// What stands behind BDAT (RFC 3030 §2). Nothing when malformed: then nobody knows where the chunk ends.
[[nodiscard]] std::optional<ChunkArguments> parse_bdat(std::string_view argument);

}  // namespace countersign::inbound::smtp
