// Attachments (contract §13): their metadata, and links by which whoever holds one downloads the bytes.
#include <fmt/format.h>

#include <charconv>

#include "agent/rest/handlers/context.hpp"
#include "agent/rest/views.hpp"
#include "base/crypto.hpp"
#include "mail/parse.hpp"
#include "mailbox/mailbox.hpp"

namespace countersign::agent::rest {
namespace {

namespace json = boost::json;
using std::chrono::minutes;

constexpr minutes kLinkLifetime{15};
constexpr std::int64_t kInlineBytesMax = 262'144;
constexpr std::size_t kHostBytesMax = 261;   // a name of 255 (RFC 1035 §2.3.4) and a port
constexpr std::size_t kTokenBytesMax = 512;  // three times what one of ours has

ApiError attachment_not_found() {
  return api_error(ErrorCode::attachment_not_found, "the message has no such attachment");
}

// Not negative, and no more than a number: `+1`, ` 1` and `1.0` are none.
std::optional<std::int64_t> index_of(std::string_view text) {
  std::int64_t index = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), index);
  if (error != std::errc() || end != text.data() + text.size() || index < 0) return std::nullopt;
  return index;
}

std::string_view bytes_of(const Sha256& digest) {
  return {reinterpret_cast<const char*>(digest.data()), digest.size()};
}

// --- links -----------------------------------------------------------------------------------------------

std::string make_token(std::string_view secret, const MessageId& id, std::int64_t index, UtcTime expires) {
  const std::string first =
      base64url_encode(fmt::format("{}|{}|{}", id.str(), index, to_us(expires) / 1'000'000));
  return first + "." + base64url_encode(bytes_of(hmac_sha256(secret, first)));
}

// Made here, for this attachment, and not over yet.
bool is_valid_token(std::string_view token, std::string_view secret, const MessageId& id, std::int64_t index,
                    UtcTime now) {
  const std::size_t dot = token.find('.');
  if (token.size() > kTokenBytesMax || dot == std::string_view::npos) return false;
  const std::string_view first = token.substr(0, dot);
  const auto mac = base64url_decode(token.substr(dot + 1));
  if (!mac || !equal_constant_time(*mac, bytes_of(hmac_sha256(secret, first)))) return false;
  const std::optional<std::string> content = base64url_decode(first);
  const std::string expected = fmt::format("{}|{}|", id.str(), index);
  if (!content || !content->starts_with(expected)) return false;
  const auto expires = index_of(std::string_view(*content).substr(expected.size()));
  return expires && *expires > to_us(now) / 1'000'000;
}

// The address in a path: `@` stays as it is (contract §13).
std::string path_segment(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       std::string_view("-._~@").find(c) != std::string_view::npos;
    if (plain) {
      out += c;
    } else {
      out += fmt::format("%{:02X}", static_cast<unsigned char>(c));
    }
  }
  return out;
}

// `host`, `host:port`, `[IPv6]:port` (RFC 9110 §7.2), of the characters that a name or an address has.
bool is_host_field(std::string_view text) {
  if (text.empty() || text.size() > kHostBytesMax) return false;
  const auto all_of = [](std::string_view part, std::string_view others) {
    return !part.empty() && std::ranges::all_of(part, [&](char c) {
      return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
             others.find(c) != std::string_view::npos;
    });
  };
  std::string_view host = text;
  const std::size_t colon = text.rfind(':');
  if (colon != std::string_view::npos && !text.ends_with(']')) {
    if (!index_of(text.substr(colon + 1))) return false;
    host = text.substr(0, colon);
  }
  if (host.starts_with('[') && host.ends_with(']')) return all_of(host.substr(1, host.size() - 2), ":.");
  return all_of(host, "-._");
}

// What an absolute link of this deployment begins with: where the request came to, unless somebody has said.
std::string origin_of(const Context& context, const Call& call) {
  if (!context.settings.public_url.empty()) return context.settings.public_url;
  const std::string_view host = call.headers().get("Host");
  return fmt::format("http://{}", is_host_field(host) ? host : context.settings.http_address);
}

// --- getAttachment ---------------------------------------------------------------------------------------

const mail::AttachmentInfo* find_attachment(const mail::Message& parsed, std::int64_t index) {
  if (std::cmp_greater_equal(index, parsed.attachments.size())) return nullptr;
  return &parsed.attachments[static_cast<std::size_t>(index)];
}

json::object view_of(const Context& context, const Call& call, const mailbox::Message& message,
                     const mail::AttachmentInfo& attachment) {
  const UtcTime expires = call.received() + kLinkLifetime;
  json::object view = attachment_view(attachment);
  view["download_url"] =
      fmt::format("{}/v1/agents/{}/messages/{}/attachments/{}/download?token={}", origin_of(context, call),
                  path_segment(message.agent_email), message.id.str(), attachment.index,
                  make_token(context.settings.cursor_secret, message.id, attachment.index, expires));
  view["expires_at"] = timestamp(expires);
  return view;
}

Awaitable<Response> get_attachment(Context& context, const Call& call) {
  const std::optional<std::int64_t> index = index_of(call.path("index"));
  if (!index) {
    std::vector<FieldError> fields;
    fields.push_back({"path.index", "must be an integer of at least 0"});
    co_return call.refuse(invalid_request(std::move(fields), 422));
  }
  Result<Loaded, ApiError> loaded = co_await load_message(context, call);
  if (!loaded) co_return call.refuse(loaded.error());
  const std::string raw = loaded->content.raw.value_or("");
  const mail::Message parsed = mail::parse(raw);
  const mail::AttachmentInfo* attachment = find_attachment(parsed, *index);
  if (attachment == nullptr) co_return call.refuse(attachment_not_found());
  const bool with_data = call.query_flag("inline");
  if (with_data && attachment->size_bytes > kInlineBytesMax) {
    co_return call.refuse(ErrorCode::attachment_too_large,
                          "an attachment of more than 262144 bytes is downloaded by its download_url");
  }
  const Result<std::monostate, ApiError> marked = co_await mark_read(context, call, loaded->message);
  if (!marked) co_return call.refuse(marked.error());
  json::object view = view_of(context, call, loaded->message, *attachment);
  if (with_data) view["data"] = base64_encode(mail::attachment_content(raw, *index).value_or(""));
  co_return json_response(200, view);
}

// --- downloads -------------------------------------------------------------------------------------------

// A media type of RFC 6838 §4.2 characters, or none in particular.
std::string content_type_of(const mail::AttachmentInfo& attachment) {
  const auto allowed = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view("!#$&-^_.+/").find(c) != std::string_view::npos;
  };
  const std::string& type = attachment.content_type;
  const bool usable =
      !type.empty() && std::ranges::all_of(type, allowed) && std::ranges::count(type, '/') == 1;
  return usable ? type : "application/octet-stream";
}

// `filename` is for ASCII, `filename*` for what is not (RFC 6266 §4.3, RFC 8187 §3.2).
std::string disposition_of(const mail::AttachmentInfo& attachment) {
  std::string plain;
  std::string exact;
  bool ascii = true;
  for (const char c : attachment.filename) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte == 0x7f || c == '"' || c == '\\') continue;
    ascii = ascii && byte < 0x80;
    plain += byte < 0x80 ? c : '_';
    exact += c;
  }
  if (plain.empty()) plain = "attachment";
  std::string out = "attachment; filename=\"" + plain + "\"";
  if (!ascii) out += "; filename*=UTF-8''" + path_segment(exact);
  return out;
}

// A message that the agent of the path may read; the token stands for its reader's credential.
Awaitable<Result<std::string, ApiError>> load_raw(Context& context, const Call& call, MessageId id) {
  auto body = [&context, email = agent_email(call), id](store::ReadTx& tx) -> Result<std::string, ApiError> {
    if (!account::find_live_agent(tx, email, context.settings.shared_domain)) return unexpected(not_found());
    if (!mailbox::find(tx, email, id)) return unexpected(not_found());
    return mailbox::load_content(tx, id).raw.value_or("");
  };
  co_return co_await store::read(context.database, std::move(body));
}

Awaitable<Response> download(Context& context, const Call& call) {
  const MessageId id(call.path("id"));
  const std::optional<std::int64_t> index = index_of(call.path("index"));
  if (!index) {
    co_return call.refuse(ErrorCode::invalid_request,
                          "the index of an attachment is an integer of at least 0");
  }
  const std::optional<std::string> token = call.query_text("token");
  if (!token) co_return call.refuse(unauthorized());
  if (!is_valid_token(*token, context.settings.cursor_secret, id, *index, call.received())) {
    co_return call.refuse(forbidden());
  }
  const Result<std::string, ApiError> raw = co_await load_raw(context, call, id);
  if (!raw) co_return call.refuse(raw.error());
  const mail::Message parsed = mail::parse(*raw);
  const mail::AttachmentInfo* attachment = find_attachment(parsed, *index);
  if (attachment == nullptr) co_return call.refuse(attachment_not_found());
  Response response;
  response.headers.add("Content-Type", content_type_of(*attachment));
  response.headers.add("Content-Disposition", disposition_of(*attachment));
  response.headers.add("Cache-Control", "private, no-store");
  response.body = mail::attachment_content(*raw, *index).value_or("");
  co_return response;
}

}  // namespace

void attach_attachments(Server& server, Context& context) {
  server.handle("getAttachment", bind(context, get_attachment));
  server.handle("downloadAttachment", bind(context, download));
}

}  // namespace countersign::agent::rest
