// One request of the HTTP client under way: what libcurl is told, and what it tells. Internal to the client.
#pragma once

#include <curl/curl.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <functional>
#include <new>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/assert.hpp"
#include "base/text.hpp"
#include "net/http_client.hpp"

namespace countersign::net::detail {

using Outcome = Result<HttpAnswer, HttpFailure>;
using Done = std::function<void(Outcome)>;

inline constexpr std::size_t kAnswerHeaderBytesMax = 64 * 1024;
inline constexpr std::size_t kAnswerFieldsMax = 256;

// A connection ready to carry a request for the second time: the first one died before an answer began.
inline constexpr int kGoOn = CURL_PREREQFUNC_OK;
inline constexpr int kNotAgain = CURL_PREREQFUNC_ABORT;

inline bool has_control(std::string_view text) {
  return std::ranges::any_of(text, [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return (byte < 0x20 && c != '\t') || byte == 0x7f;
  });
}

inline bool is_token(std::string_view text) {  // RFC 9110 §5.6.2
  return !text.empty() && std::ranges::all_of(text, [](char c) {
    const bool alnum = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    return alnum || std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
  });
}

inline std::string without_controls(std::string_view text) {
  std::string out(text);
  std::ranges::replace_if(out, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }, ' ');
  return is_utf8(out) ? out : "a message that is not UTF-8";
}

inline HttpFault fault_of(CURLcode code, Sent sent) {
  switch (code) {
    case CURLE_COULDNT_RESOLVE_HOST:
      return HttpFault::resolve;
    case CURLE_COULDNT_CONNECT:
    case CURLE_INTERFACE_FAILED:
      return HttpFault::connect;
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_CIPHER:
    case CURLE_SSL_ENGINE_INITFAILED:
    case CURLE_SSL_ISSUER_ERROR:
      return HttpFault::tls;
    case CURLE_OPERATION_TIMEDOUT:
      return HttpFault::timeout;
    case CURLE_URL_MALFORMAT:
      return HttpFault::invalid_request;
    case CURLE_UNSUPPORTED_PROTOCOL:  // also the code of an answer without a status line
      return sent == Sent::nothing ? HttpFault::invalid_request : HttpFault::malformed_answer;
    case CURLE_WEIRD_SERVER_REPLY:
    case CURLE_BAD_CONTENT_ENCODING:
      return HttpFault::malformed_answer;
    default:
      return HttpFault::connection_lost;
  }
}

// Lives on the client's thread.
class Exchange {
 public:
  Exchange(HttpRequest request, Done done) : request_(std::move(request)), done_(std::move(done)) {}
  ~Exchange() {
    if (easy_ != nullptr) curl_easy_cleanup(easy_);
    curl_slist_free_all(fields_);
    curl_slist_free_all(connect_to_);
  }
  Exchange(const Exchange&) = delete;
  Exchange& operator=(const Exchange&) = delete;

  // The handle, ready for the multi handle; null when the request is none (see refusal_). kept: handles of
  // earlier requests.
  CURL* prepare(const HttpClientOptions& options, std::vector<CURL*>& kept) {
    if (!is_sound()) return nullptr;
    if (kept.empty()) {
      easy_ = curl_easy_init();
      if (easy_ == nullptr) throw std::bad_alloc();
    } else {
      easy_ = kept.back();
      kept.pop_back();
    }
    set_target(options);
    set_content();
    set_callbacks();
    return easy_;
  }

  void finish(CURLcode code) {
    if (code == CURLE_OK) {
      long status = 0;
      curl_easy_getinfo(easy_, CURLINFO_RESPONSE_CODE, &status);
      answer_.status = static_cast<int>(status);
      done_(std::move(answer_));
      return;
    }
    const Sent sent = sent_so_far();
    fail(too_large_ ? HttpFault::answer_too_large : fault_of(code, sent),
         error_.front() != '\0' ? std::string_view(error_.data()) : curl_easy_strerror(code));
  }

  // Gives the handle back, without the request. Its connection is the multi handle's.
  CURL* release_handle() {
    curl_easy_reset(easy_);
    return std::exchange(easy_, nullptr);
  }

  void cancel() { fail(HttpFault::cancelled, "cancelled"); }
  void refuse() { fail(HttpFault::invalid_request, refusal_); }

 private:
  bool is_sound() {
    if (has_control(request_.url) || request_.url.find(' ') != std::string::npos) {
      refusal_ = "the URL contains a blank or a control character";
    } else if (!is_token(request_.method)) {
      refusal_ = "the method is no token";
    }
    for (const Header& field : request_.headers) {
      if (!is_token(field.name) || has_control(field.value)) {
        refusal_ = "a header field contains a character that cannot stand there";
      }
    }
    return refusal_.empty();
  }

  template <class Value>
  void set(CURLoption option, Value value) {
    const CURLcode code = curl_easy_setopt(easy_, option, value);
    CS_ASSERT(code == CURLE_OK);
  }

  void set_target(const HttpClientOptions& options) {
    set(CURLOPT_URL, request_.url.c_str());
    set(CURLOPT_PROTOCOLS_STR, request_.https_only ? "https" : "http,https");
    set(CURLOPT_DISALLOW_USERNAME_IN_URL, 1L);
    set(CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1));
    set(CURLOPT_FOLLOWLOCATION, 0L);
    set(CURLOPT_PROXY, "");
    set(CURLOPT_NETRC, static_cast<long>(CURL_NETRC_IGNORED));
    set(CURLOPT_NOSIGNAL, 1L);
    set(CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
    set(CURLOPT_SSL_VERIFYPEER, 1L);
    set(CURLOPT_SSL_VERIFYHOST, 2L);
    if (!request_.ca_file.empty()) set(CURLOPT_CAINFO, request_.ca_file.c_str());
    set(CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(request_.connect_timeout.count()));
    set(CURLOPT_TIMEOUT_MS, static_cast<long>(request_.total_timeout.count()));
    set(CURLOPT_MAXAGE_CONN, static_cast<long>(options.idle_connection_age.count()));
    if (!request_.connect_to_address.empty()) {
      // Unlike CURLOPT_RESOLVE this is part of what a connection is recognised by when it is reused.
      const bool v6 = request_.connect_to_address.find(':') != std::string::npos;
      const std::string entry = v6 ? "::[" + request_.connect_to_address + "]:"  //
                                   : "::" + request_.connect_to_address + ":";
      connect_to_ = curl_slist_append(nullptr, entry.c_str());
      set(CURLOPT_CONNECT_TO, connect_to_);
    }
  }

  void append_field(const std::string& line) { fields_ = curl_slist_append(fields_, line.c_str()); }

  void set_content() {
    const bool plain_get = request_.method == "GET" && request_.body.empty();
    if (request_.method == "HEAD") {
      set(CURLOPT_NOBODY, 1L);
    } else if (!plain_get) {
      set(CURLOPT_POST, 1L);
      set(CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request_.body.size()));
      // A body goes through the callback, which knows how far it came; without one there is nothing to read.
      if (request_.body.empty()) set(CURLOPT_POSTFIELDS, "");
      set(CURLOPT_CUSTOMREQUEST, request_.method.c_str());
      append_field("Expect:");  // the answer to come is awaited anyway, and a second wait helps nobody
      if (!request_.headers.find("Content-Type")) append_field("Content-Type:");
    }
    for (const Header& field : request_.headers) {
      append_field(field.value.empty() ? field.name + ";" : field.name + ": " + field.value);
    }
    if (fields_ != nullptr) set(CURLOPT_HTTPHEADER, fields_);
  }

  void set_callbacks() {
    set(CURLOPT_PRIVATE, static_cast<void*>(this));
    set(CURLOPT_ERRORBUFFER, error_.data());
    set(CURLOPT_PREREQFUNCTION, &Exchange::on_ready);
    set(CURLOPT_PREREQDATA, static_cast<void*>(this));
    set(CURLOPT_READFUNCTION, &Exchange::on_read);
    set(CURLOPT_READDATA, static_cast<void*>(this));
    set(CURLOPT_HEADERFUNCTION, &Exchange::on_header);
    set(CURLOPT_HEADERDATA, static_cast<void*>(this));
    set(CURLOPT_WRITEFUNCTION, &Exchange::on_write);
    set(CURLOPT_WRITEDATA, static_cast<void*>(this));
  }

  [[nodiscard]] Sent sent_so_far() const {
    if (request_.body.empty()) return ready_ ? Sent::all : Sent::nothing;
    if (given_ == 0) return Sent::nothing;
    return given_ < request_.body.size() ? Sent::part : Sent::all;
  }

  // libcurl sends a request anew when a connection it reused dies without an answer, also a POST. What may
  // have had its effect must not be sent twice, so the second connection is turned down.
  static int on_ready(void* self_pointer, char*, char*, int, int) {
    auto& self = *static_cast<Exchange*>(self_pointer);
    const bool repeatable = self.request_.method == "GET" || self.request_.method == "HEAD";
    if (self.sent_so_far() != Sent::nothing && !repeatable) return kNotAgain;
    self.ready_ = true;
    return kGoOn;
  }

  static std::size_t on_read(char* out, std::size_t size, std::size_t count, void* self_pointer) {
    auto& self = *static_cast<Exchange*>(self_pointer);
    const std::size_t wanted = std::min(size * count, self.request_.body.size() - self.given_);
    std::memcpy(out, self.request_.body.data() + self.given_, wanted);
    self.given_ += wanted;
    return wanted;
  }

  static std::size_t on_header(char* bytes, std::size_t size, std::size_t count, void* self_pointer) {
    auto& self = *static_cast<Exchange*>(self_pointer);
    const std::string_view line = trim(std::string_view(bytes, size * count));
    self.header_bytes_ += size * count;
    if (self.header_bytes_ > kAnswerHeaderBytesMax) return self.over_limit();
    if (line.starts_with("HTTP/")) {  // another answer begins: the one before was an interim one
      self.answer_.headers = {};
      self.fields_seen_ = 0;
      return size * count;
    }
    const std::size_t colon = line.find(':');
    if (colon == std::string_view::npos) return size * count;
    if (++self.fields_seen_ > kAnswerFieldsMax) return self.over_limit();
    self.answer_.headers.add(std::string(trim(line.substr(0, colon))),
                             std::string(trim(line.substr(colon + 1))));
    return size * count;
  }

  static std::size_t on_write(char* bytes, std::size_t size, std::size_t count, void* self_pointer) {
    auto& self = *static_cast<Exchange*>(self_pointer);
    if (size * count > self.request_.answer_bytes_max - self.answer_.body.size()) return self.over_limit();
    self.answer_.body.append(bytes, size * count);
    return size * count;
  }

  std::size_t over_limit() {
    too_large_ = true;
    return 0;  // which ends the transfer
  }

  void fail(HttpFault fault, std::string_view text) {
    long status = 0;
    if (easy_ != nullptr) curl_easy_getinfo(easy_, CURLINFO_RESPONSE_CODE, &status);
    done_(unexpected(HttpFailure{fault, sent_so_far(), status < 200 ? 0 : static_cast<int>(status),
                                 without_controls(text)}));
  }

  HttpRequest request_;
  Done done_;
  CURL* easy_ = nullptr;
  curl_slist* fields_ = nullptr;
  curl_slist* connect_to_ = nullptr;
  std::array<char, CURL_ERROR_SIZE> error_{};
  std::string refusal_;
  bool ready_ = false;     // a connection stands and the request is about to be written
  std::size_t given_ = 0;  // bytes of the body that libcurl has taken to be written
  std::size_t header_bytes_ = 0;
  std::size_t fields_seen_ = 0;
  bool too_large_ = false;
  HttpAnswer answer_;
};

}  // namespace countersign::net::detail
