#include "mail/entity.hpp"

#include <string.h>  // memmem

#include <algorithm>

#include "base/text.hpp"

namespace countersign::mail {
namespace {

struct Line {
  std::string_view text;  // without its line end
  std::size_t next = 0;   // where the following line begins
};

Line line_at(std::string_view bytes, std::size_t at) {
  const auto end = bytes.find('\n', at);
  if (end == std::string_view::npos) return {bytes.substr(at), bytes.size()};
  std::string_view text = bytes.substr(at, end - at);
  if (text.ends_with('\r')) text.remove_suffix(1);
  return {text, end + 1};
}

// Where the colon stands when the line begins a field (RFC 5322 §2.2; blanks before the colon as in §4.5).
std::optional<std::size_t> field_colon(std::string_view line) {
  const auto colon = line.find(':');
  if (colon == 0 || colon == std::string_view::npos) return std::nullopt;
  const std::string_view name = trim(line.substr(0, colon));
  const bool printable = std::ranges::all_of(name, [](char c) { return c > ' ' && c < 0x7f; });
  if (name.empty() || !printable) return std::nullopt;
  return colon;
}

// Reads the fields and returns where the body begins. A line that is no field ends the header, so that a
// message without one keeps its text.
std::size_t read_header(std::string_view raw, std::vector<Field>& fields) {
  std::size_t at = 0;
  bool kept = false;  // the field being read is one of `fields`
  while (at < raw.size()) {
    const Line line = line_at(raw, at);
    if (line.text.empty()) return line.next;
    const bool continued = line.text.front() == ' ' || line.text.front() == '\t';
    if (continued && kept) {
      Field& field = fields.back();
      field.value =
          raw.substr(static_cast<std::size_t>(field.value.data() - raw.data()),
                     static_cast<std::size_t>(line.text.data() + line.text.size() - field.value.data()));
    } else if (!continued) {
      const auto colon = field_colon(line.text);
      const bool mbox_line = at == 0 && line.text.starts_with("From ");
      if (!colon && !mbox_line) return at;
      kept = colon && at < kHeaderBytesMax && fields.size() < kFieldsMax;
      if (kept) fields.push_back({trim(line.text.substr(0, *colon)), line.text.substr(*colon + 1)});
    }
    at = line.next;
  }
  return raw.size();
}

// A delimiter line of a multipart (RFC 2046 §5.1.1).
struct Delimiter {
  std::size_t start = 0;
  std::size_t next = 0;  // where the following line begins
  bool last = false;
};

// The delimiter line that begins at `start`, where `dashed` stands.
std::optional<Delimiter> delimiter_at(std::string_view body, std::string_view dashed, std::size_t start) {
  const Line line = line_at(body, start);
  const std::string_view rest = trim(line.text.substr(dashed.size()));
  if (rest.empty() || rest == "--") return Delimiter{start, line.next, !rest.empty()};
  return std::nullopt;
}

// The first delimiter line at or after `from`, where a line begins; `line` is a line end, `--` and the
// boundary. Looking for the line end too keeps matches apart: a boundary of dashes is in a line of them
// everywhere.
std::optional<Delimiter> find_delimiter(std::string_view body, std::string_view line, std::size_t from) {
  const std::string_view dashed = line.substr(1);
  if (body.substr(from).starts_with(dashed)) {
    if (const auto delimiter = delimiter_at(body, dashed, from)) return delimiter;
  }
  while (from < body.size()) {
    // memmem is linear whatever the boundary; std::string_view::find is not.
    const void* found = memmem(body.data() + from, body.size() - from, line.data(), line.size());
    if (found == nullptr) return std::nullopt;
    from = static_cast<std::size_t>(static_cast<const char*>(found) - body.data()) + 1;
    if (const auto delimiter = delimiter_at(body, dashed, from)) return delimiter;
  }
  return std::nullopt;
}

// The bodies between the delimiter lines. Preamble and epilogue are dropped; a missing last delimiter is
// forgiven.
std::vector<std::string_view> split(std::string_view body, const std::string& boundary,
                                    std::size_t parts_max) {
  std::vector<std::string_view> parts;
  if (boundary.find('\n') != std::string::npos) return parts;  // RFC 2231 can spell one
  const std::string line = "\n--" + boundary;
  auto delimiter = find_delimiter(body, line, 0);
  while (delimiter && !delimiter->last && parts.size() < parts_max) {
    const std::size_t start = delimiter->next;
    delimiter = find_delimiter(body, line, start);
    std::string_view part = body.substr(start, delimiter ? delimiter->start - start : std::string_view::npos);
    if (delimiter) {
      // The line end before a delimiter belongs to the delimiter.
      if (part.ends_with('\n')) part.remove_suffix(1);
      if (part.ends_with('\r')) part.remove_suffix(1);
    }
    parts.push_back(part);
  }
  return parts;
}

// Their names stay: whoever counts the fields of a name, as those who authenticate do, has to see them.
void empty_overlong(std::vector<Field>& fields) {
  for (Field& field : fields) {
    if (field.value.size() > kFieldBytesMax) field.value = {};
  }
}

Entity read_part(std::string_view raw, std::string_view default_type, std::size_t depth,
                 std::size_t& parts_left) {
  Entity entity;
  entity.body = raw.substr(read_header(raw, entity.fields));
  empty_overlong(entity.fields);
  entity.media_type = decode_media_type(entity.field("content-type").value_or(std::string(default_type)));
  entity.disposition = decode_disposition(entity.field("content-disposition").value_or(""));
  if (!entity.media_type.name.starts_with("multipart/")) return entity;

  entity.multipart = true;
  if (depth >= kDepthMax) return entity;
  const std::string& boundary = entity.media_type.boundary;
  if (!boundary.empty()) {
    const bool digest = entity.media_type.name == "multipart/digest";
    for (const std::string_view part : split(entity.body, boundary, parts_left)) {
      if (parts_left == 0) break;
      --parts_left;
      entity.parts.push_back(read_part(part, digest ? "message/rfc822" : "", depth + 1, parts_left));
    }
  }
  if (entity.parts.empty()) {
    entity.multipart = false;
    entity.media_type = MediaType{.name = "text/plain"};
  }
  return entity;
}

}  // namespace

std::optional<std::string> Entity::field(std::string_view name) const {
  for (const Field& field : fields) {
    if (field.name.size() == name.size() && ascii_lower(field.name) == name) return unfold(field.value);
  }
  return std::nullopt;
}

std::vector<std::string> Entity::all(std::string_view name) const {
  std::vector<std::string> values;
  for (const Field& field : fields) {
    if (field.name.size() == name.size() && ascii_lower(field.name) == name)
      values.push_back(unfold(field.value));
  }
  return values;
}

std::string Entity::transfer_encoding() const { return field("content-transfer-encoding").value_or(""); }

const std::string& Entity::filename() const {
  return disposition.filename.empty() ? media_type.filename : disposition.filename;
}

Entity read_entity(std::string_view raw) {
  std::size_t parts_left = kPartsMax;
  return read_part(raw.substr(0, kRawBytesMax), "", 0, parts_left);
}

Entity read_header_only(std::string_view raw) {
  Entity entity;
  raw = raw.substr(0, kRawBytesMax);
  entity.body = raw.substr(read_header(raw, entity.fields));
  empty_overlong(entity.fields);
  return entity;
}

}  // namespace countersign::mail
