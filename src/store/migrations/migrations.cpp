#include "store/migrations/migrations.hpp"

#include <array>

namespace countersign::store {

extern const std::string_view kFirstLight;
extern const std::string_view kDeliveredOnce;
extern const std::string_view kMailIn;
extern const std::string_view kDomainKeys;
extern const std::string_view kMailbox;
extern const std::string_view kReplyPairs;
extern const std::string_view kLabels;
extern const std::string_view kEventsOut;
extern const std::string_view kReviewerMail;
extern const std::string_view kRetention;
extern const std::string_view kListeners;
extern const std::string_view kConsole;
extern const std::string_view kRoomToUpdate;

namespace {

void replace_all(std::string& text, std::string_view from, std::string_view to) {
  for (std::size_t at = text.find(from); at != std::string::npos; at = text.find(from, at + to.size())) {
    text.replace(at, from.size(), to);
  }
}

}  // namespace

std::span<const Migration> migrations() {
  static const std::array<Migration, 13> kAll{{{1, "first_light", kFirstLight},
                                               {2, "delivered_once", kDeliveredOnce},
                                               {3, "mail_in", kMailIn},
                                               {4, "mailbox", kMailbox},
                                               {5, "domain_keys", kDomainKeys},
                                               {6, "reply_pairs", kReplyPairs},
                                               {7, "labels", kLabels},
                                               {8, "events_out", kEventsOut},
                                               {9, "reviewer_mail", kReviewerMail},
                                               {10, "retention", kRetention},
                                               {11, "listeners", kListeners},
                                               {12, "console", kConsole},
                                               {13, "room_to_update", kRoomToUpdate}}};
  return kAll;
}

std::string migration_text(const Migration& migration, Dialect dialect) {
  std::string text(migration.sql);
  const bool sqlite = dialect == Dialect::sqlite;
  replace_all(text, "{blob}", sqlite ? "BLOB" : "BYTEA");
  replace_all(
      text, "{position}",
      sqlite ? "INTEGER PRIMARY KEY AUTOINCREMENT" : "BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY");
  // What SQLite has no words for, up to the end of the line.
  replace_all(text, "{postgres}", sqlite ? "-- " : "");
  // The number of the writing transaction, where several write at a time.
  replace_all(text, "{xact}",
              sqlite ? "BIGINT NOT NULL DEFAULT 0"
                     : "BIGINT NOT NULL DEFAULT CAST(CAST(pg_current_xact_id() AS TEXT) AS BIGINT)");
  return text;
}

}  // namespace countersign::store
