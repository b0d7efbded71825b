// `countersign unknown`: hand-overs whose outcome nobody knows, for an operator who may look at every
// account's.
#include <fmt/format.h>
#include <unistd.h>

#include <cstdlib>

#include "daemon/commands.hpp"
#include "daemon/open_store.hpp"
#include "outbox/resolve.hpp"

namespace countersign::daemon {
namespace {

using outbox::HandOverView;

constexpr std::int64_t kPage = 100;

std::string operator_name() {
  const char* user = std::getenv("SUDO_USER");
  if (user == nullptr || *user == '\0') user = std::getenv("USER");
  return fmt::format("operator: {}", user == nullptr || *user == '\0' ? "unnamed" : user);
}

std::string reply_of(const HandOverView& one) {
  const std::string code = one.reply_code == 0 ? "" : fmt::format("{} ", one.reply_code);
  const std::string phase = one.reply_phase.empty() ? "" : fmt::format(" (at {})", one.reply_phase);
  return one.reply_text.empty() ? "none" : code + one.reply_text + phase;
}

void write_line(std::ostream& out, std::string_view name, std::string_view value) {
  if (!value.empty()) out << fmt::format("  {:<14}{}\n", name, value);
}
void write_line(std::ostream& out, std::string_view name, const std::optional<UtcTime>& time) {
  if (time) write_line(out, name, to_rfc3339(*time));
}

void write_whole(std::ostream& out, const HandOverView& one) {
  out << one.id.str() << '\n';
  write_line(out, "message", one.message.str());
  write_line(out, "agent", one.agent_email);
  write_line(out, "subject", one.subject);
  write_line(out, "recipients", fmt::format("{}", fmt::join(one.recipients, ", ")));
  write_line(out, "attempt", std::to_string(one.attempt));
  write_line(out, "state", one.state);
  write_line(out, "provider", one.provider);
  write_line(out, "provider id", one.provider_message_id);
  write_line(out, "answer", reply_of(one));
  write_line(out, "handed over", one.handed_over_at);
  write_line(out, "unknown since", one.unknown_at);
  write_line(out, "sent again at", one.resend_at);
  write_line(out, "settled", one.settled_at);
  write_line(out, "settled by", one.settled_by);
  write_line(out, "resolution", one.resolution);
  write_line(out, "resolved by", one.resolved_by);
  write_line(out, "note", one.resolution_note);
}

int no_such(std::ostream& err, std::string_view id) {
  err << "unknown: there is no hand-over " << id << "; `countersign unknown list` shows those that wait\n";
  return kExitRefused;
}

}  // namespace

int list_unknown(const Config& config, std::ostream& out, std::ostream& err) {
  const auto database = open_existing_store(config);
  err << store_line(config);
  std::int64_t count = 0;
  std::optional<journal::Position> after;
  for (bool more = true; more;) {
    const auto page = database->read(
        [&](store::ReadTx& tx) { return outbox::list_unknown(tx, std::nullopt, after, kPage); });
    for (const HandOverView& one : page) {
      out << fmt::format("{}  {}  {} to {}  {}\n", one.id.str(), to_rfc3339(one.unknown_at.value()),
                         one.agent_email, fmt::join(one.recipients, ", "), one.subject);
      after = journal::Position{one.unknown_at.value(), one.id.str()};
    }
    count += static_cast<std::int64_t>(page.size());
    more = page.size() == static_cast<std::size_t>(kPage);
  }
  database->stop();
  if (count == 0) {
    out << "no hand-over is unknown\n";
  } else {
    out << fmt::format(
        "{} {} unknown; decide with: countersign unknown resolve ID --as sent|send_again|give_up\n", count,
        count == 1 ? "hand-over is" : "hand-overs are");
  }
  return kExitOk;
}

int show_unknown(const Config& config, std::string_view id, std::ostream& out, std::ostream& err) {
  const auto database = open_existing_store(config);
  err << store_line(config);
  const auto found = database->read([&](store::ReadTx& tx) {
    return outbox::find_hand_over(tx, std::nullopt, SubmissionId(std::string(id)));
  });
  database->stop();
  if (!found) return no_such(err, id);
  write_whole(out, *found);
  return kExitOk;
}

int resolve_unknown(const Config& config, const ResolveUnknown& command, std::ostream& out,
                    std::ostream& err) {
  const auto as = outbox::resolution_of(command.as);
  if (!as) {
    err << "unknown: --as takes sent, send_again or give_up, not '" << command.as << "'\n";
    return kExitUsage;
  }
  if (command.note.size() > outbox::kResolutionNoteBytesMax) {
    err << "unknown: a note may have " << outbox::kResolutionNoteBytesMax << " bytes\n";
    return kExitUsage;
  }
  const outbox::ResolveCommand resolve{{}, SubmissionId(command.id), *as, operator_name(), command.note};
  const auto database = open_existing_store(config);
  err << store_line(config);
  const auto resolved = database->write(
      [&, now = SystemClock().now()](store::Tx& tx) { return outbox::resolve(tx, resolve, now); });
  database->stop();
  if (resolved) {
    write_whole(out, *resolved);
    return kExitOk;
  }
  if (resolved.error() == outbox::ResolveRefusal::not_found) return no_such(err, command.id);
  err << "unknown: the outcome of " << command.id
      << " is known, or somebody has decided; nothing was changed. "
      << "See: countersign unknown show " << command.id << '\n';
  return kExitRefused;
}

}  // namespace countersign::daemon
