#include "notify/settings.hpp"

#include "base/assert.hpp"
#include "base/text.hpp"

namespace countersign::notify {
namespace {

using store::Query;

constexpr Query kAccount("notify.account_settings",
                         "SELECT review_mute, review_digest_seconds, review_recipients, review_on_unseen "
                         "FROM users WHERE id = $1");
constexpr Query kSetAccount("notify.set_account_settings",
                            "UPDATE users SET review_mute = $2, review_digest_seconds = $3, "
                            "review_recipients = $4, review_on_unseen = $5 WHERE id = $1");
constexpr Query kAgent("notify.agent_settings",
                       "SELECT hold_suppress_notifications, review_digest_seconds, review_recipients, "
                       "review_on_unseen FROM agents WHERE email = $2 AND user_id = $1 AND deleted_at_us IS "
                       "NULL");
constexpr Query kSetAgent("notify.set_agent_settings",
                          "UPDATE agents SET hold_suppress_notifications = $3, review_digest_seconds = $4, "
                          "review_recipients = $5, review_on_unseen = $6 WHERE email = $2 AND user_id = $1 "
                          "AND deleted_at_us IS NULL");

std::optional<Settings> settings_from(const store::Rows& rows) {
  if (rows.empty()) return std::nullopt;
  const store::Row row = rows.front();
  Settings settings;
  settings.mute = row.flag(0);
  settings.digest_seconds = row.maybe_integer(1);
  if (const auto list = row.maybe_text(2)) settings.reviewers = from_json_list(*list);
  if (const auto name = row.maybe_text(3)) {
    settings.on_unseen = on_unseen_of(*name);
    CS_ASSERT(settings.on_unseen.has_value());
  }
  return settings;
}

std::optional<std::string> list_of(const Settings& settings) {
  if (!settings.reviewers) return std::nullopt;
  return to_json_list(*settings.reviewers);
}

std::optional<std::string_view> name_of(const std::optional<OnUnseen>& on_unseen) {
  if (!on_unseen) return std::nullopt;
  return notify::name_of(*on_unseen);
}

}  // namespace

std::string_view name_of(OnUnseen on_unseen) {
  switch (on_unseen) {
    case OnUnseen::reject:
      return "reject";
    case OnUnseen::approve:
      return "approve";
  }
  CS_ASSERT(false);
}

std::optional<OnUnseen> on_unseen_of(std::string_view name) {
  if (name == "reject") return OnUnseen::reject;
  if (name == "approve") return OnUnseen::approve;
  return std::nullopt;
}

std::optional<Settings> account_settings(store::ReadTx& tx, const UserId& user) {
  return settings_from(tx.query(kAccount, {user.str()}));
}

bool set_account_settings(store::Tx& tx, const UserId& user, const Settings& settings) {
  const auto reviewers = list_of(settings);
  const auto on_unseen = name_of(settings.on_unseen);
  return tx.execute(kSetAccount,
                    {user.str(), settings.mute, settings.digest_seconds, reviewers, on_unseen}) == 1;
}

std::optional<Settings> agent_settings(store::ReadTx& tx, const UserId& user, std::string_view agent) {
  return settings_from(tx.query(kAgent, {user.str(), agent}));
}

bool set_agent_settings(store::Tx& tx, const UserId& user, std::string_view agent, const Settings& settings) {
  const auto reviewers = list_of(settings);
  const auto on_unseen = name_of(settings.on_unseen);
  return tx.execute(kSetAgent,
                    {user.str(), agent, settings.mute, settings.digest_seconds, reviewers, on_unseen}) == 1;
}

}  // namespace countersign::notify
