// Schema 13: room on the pages of PostgreSQL for the next version of a row.
#include <string_view>

namespace countersign::store {

extern const std::string_view kRoomToUpdate;

const std::string_view kRoomToUpdate = R"sql(
-- A message that is accepted is changed once or twice more. Where the new version finds room on the page of the
-- old one, and no indexed column changes, none of the table's indexes is written to.
{postgres}ALTER TABLE messages SET (fillfactor = 80);
{postgres}ALTER TABLE message_recipients SET (fillfactor = 80);
)sql";

}  // namespace countersign::store
