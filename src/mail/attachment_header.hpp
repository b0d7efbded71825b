// The header of an attachment part: media type, transfer encoding, disposition and file name. Internal to the
// mail module.
#pragma once

#include <string>
#include <string_view>

namespace countersign::mail {

/// A file name without path separators, controls and invisible characters; `attachment` when nothing is left.
[[nodiscard]] std::string safe_filename(std::string_view filename);

/// `type/subtype` and well-formed parameters other than `name`, rewritten; application/octet-stream for
/// anything malformed, and for `message/*` and `multipart/*`, which must not be base64 (RFC 2046 §5).
[[nodiscard]] std::string safe_content_type(std::string_view content_type);

/// Appends the fields of a base64 attachment and the blank line that ends them. The name stands in the
/// disposition (RFC 2231 §3–§4 unless it is short ASCII), and in ASCII as the `name` of the media type for
/// readers that know neither. `filename` and `filename*` never stand side by side: to RFC 2045 that is one
/// attribute given twice.
void append_attachment_header(std::string& out, std::string_view content_type, std::string_view filename);

}  // namespace countersign::mail
