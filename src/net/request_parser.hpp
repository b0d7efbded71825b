// Incremental parser of one HTTP/1.1 request, on Beast's tokenizer. Internal to net.
//
// Stricter than the tokenizer where two readers of one stream could disagree about its framing (RFC 9112
// §11.2): exactly one Host in HTTP/1.1, no Transfer-Encoding other than `chunked`, none beside a
// Content-Length.
#pragma once

#include <boost/beast/http/basic_parser.hpp>
#include <cstdint>
#include <optional>
#include <string_view>

#include "net/http_message.hpp"

namespace countersign::net {

class RequestParser final : public boost::beast::http::basic_parser<true> {
 public:
  enum class Progress {
    need_more,  // feed again with what was not consumed and more
    header,     // the header has just ended: decide about the body, then feed on
    complete,
    fault,  // see fault_status(); the stream cannot be read on
  };

  explicit RequestParser(std::size_t header_bytes_max);

  /// Reads from `bytes`; adds to `consumed` how many were used up.
  Progress feed(std::string_view bytes, std::size_t& consumed);

  /// The HTTP status for a fault: 400, 431, 501 or 505. 413: the body passed the limit.
  [[nodiscard]] int fault_status() const noexcept { return fault_status_; }
  [[nodiscard]] Request& request() noexcept { return request_; }
  /// From the Content-Length field, when there is one.
  [[nodiscard]] std::optional<std::uint64_t> announced_bytes();
  void set_body_bytes_max(std::uint64_t max) noexcept { body_bytes_max_ = max; }
  [[nodiscard]] bool http_1_0() const noexcept { return minor_version_ == 0; }

 private:
  using ErrorCode = boost::beast::error_code;
  using StringView = boost::beast::string_view;

  void on_request_impl(boost::beast::http::verb verb, StringView method, StringView target, int version,
                       ErrorCode& error) override;
  void on_response_impl(int code, StringView reason, int version, ErrorCode& error) override;
  void on_field_impl(boost::beast::http::field field, StringView name, StringView value,
                     ErrorCode& error) override;
  void on_header_impl(ErrorCode& error) override;
  void on_body_init_impl(const boost::optional<std::uint64_t>& length, ErrorCode& error) override;
  std::size_t on_body_impl(StringView bytes, ErrorCode& error) override;
  void on_chunk_header_impl(std::uint64_t size, StringView extensions, ErrorCode& error) override;
  std::size_t on_chunk_body_impl(std::uint64_t remain, StringView bytes, ErrorCode& error) override;
  void on_finish_impl(ErrorCode& error) override;

  void refuse(int status, ErrorCode& error);

  const std::size_t header_bytes_max_;
  Request request_;
  std::size_t header_bytes_ = 0;
  std::uint64_t body_bytes_max_ = 0;
  int fault_status_ = 0;
  int minor_version_ = 1;
  int hosts_ = 0;
  int transfer_codings_ = 0;
  bool header_reported_ = false;
};

}  // namespace countersign::net
