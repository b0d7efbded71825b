#include "net/request_parser.hpp"

#include <boost/asio/buffer.hpp>

#include "base/assert.hpp"

namespace countersign::net {
namespace http = boost::beast::http;
namespace {

std::string_view view(boost::beast::string_view text) { return {text.data(), text.size()}; }

// RFC 9112 §3.2.2: servers accept the absolute form; its path and query are what counts.
std::string_view without_authority(std::string_view target) {
  const std::size_t scheme = target.find("://");
  if (target.starts_with('/') || scheme == std::string_view::npos) return target;
  const std::size_t path = target.find_first_of("/?", scheme + 3);
  return path == std::string_view::npos ? "/" : target.substr(path);
}

}  // namespace

RequestParser::RequestParser(std::size_t header_bytes_max) : header_bytes_max_(header_bytes_max) {
  eager(false);
  body_limit(boost::none);  // decided per route, see set_body_bytes_max
  header_limit(static_cast<std::uint32_t>(header_bytes_max));
}

RequestParser::Progress RequestParser::feed(std::string_view bytes, std::size_t& consumed) {
  for (;;) {
    if (is_done()) return Progress::complete;
    if (bytes.empty()) return Progress::need_more;
    ErrorCode error;
    const std::size_t used = put(boost::asio::buffer(bytes.data(), bytes.size()), error);
    consumed += used;
    bytes.remove_prefix(used);
    if (!header_reported_) header_bytes_ += used;
    if (error == http::error::need_more) return Progress::need_more;
    if (error == http::error::header_limit || (!error && header_bytes_ > header_bytes_max_)) {
      fault_status_ = 431;
      return Progress::fault;
    }
    if (error) {
      if (fault_status_ == 0) fault_status_ = error == http::error::bad_version ? 505 : 400;
      return Progress::fault;
    }
    if (is_header_done() && !header_reported_) {
      header_reported_ = true;
      return Progress::header;
    }
  }
}

std::optional<std::uint64_t> RequestParser::announced_bytes() {
  const auto length = content_length();
  if (!length) return std::nullopt;
  return *length;
}

void RequestParser::refuse(int status, ErrorCode& error) {
  fault_status_ = status;
  error = http::error::bad_value;
}

void RequestParser::on_request_impl(http::verb, StringView method, StringView target, int version,
                                    ErrorCode&) {
  request_.method = view(method);
  request_.target = view(target);
  const std::string_view origin = without_authority(request_.target);
  const std::size_t mark = origin.find('?');
  request_.path = origin.substr(0, mark);
  if (mark != std::string_view::npos) request_.query = origin.substr(mark + 1);
  minor_version_ = version % 10;
}

void RequestParser::on_response_impl(int, StringView, int, ErrorCode&) { CS_ASSERT(false); }

void RequestParser::on_field_impl(http::field field, StringView name, StringView value, ErrorCode& error) {
  if (header_reported_) return;  // trailers are read and forgotten (RFC 9110 §6.5.1)
  if (field == http::field::host) ++hosts_;
  if (field == http::field::transfer_encoding) {
    ++transfer_codings_;
    if (!equal_ignoring_case(view(value), "chunked")) return refuse(501, error);
  }
  request_.headers.add(std::string(view(name)), std::string(view(value)));
}

void RequestParser::on_header_impl(ErrorCode& error) {
  const bool host_missing = minor_version_ >= 1 && hosts_ == 0;
  const bool framing_unclear = transfer_codings_ > 1 || (transfer_codings_ == 1 && !chunked()) ||
                               (transfer_codings_ == 1 && (announced_bytes() || http_1_0()));
  if (host_missing || hosts_ > 1 || framing_unclear) refuse(400, error);
}

void RequestParser::on_body_init_impl(const boost::optional<std::uint64_t>&, ErrorCode&) {}

std::size_t RequestParser::on_body_impl(StringView bytes, ErrorCode&) {
  request_.body.append(bytes.data(), bytes.size());
  return bytes.size();
}

void RequestParser::on_chunk_header_impl(std::uint64_t size, StringView, ErrorCode& error) {
  if (size <= body_bytes_max_ - request_.body.size()) return;
  // What a chunk announces may never come; one byte over the limit is the least that is certain.
  request_.body_too_large = BodyTooLarge{.actual_bytes = body_bytes_max_ + 1, .max_bytes = body_bytes_max_};
  request_.body.clear();
  refuse(413, error);
}

std::size_t RequestParser::on_chunk_body_impl(std::uint64_t, StringView bytes, ErrorCode&) {
  request_.body.append(bytes.data(), bytes.size());
  return bytes.size();
}

void RequestParser::on_finish_impl(ErrorCode&) {}

}  // namespace countersign::net
