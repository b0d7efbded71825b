#include "mailauth/canonical.hpp"

#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <memory>

#include "base/assert.hpp"
#include "base/text.hpp"

namespace countersign::mailauth {
namespace {

constexpr bool is_blank(char c) noexcept { return c == ' ' || c == '\t'; }

// The field name before `colon`, or empty when what stands there is none (RFC 5322 §2.2, §4.5).
std::string name_of(std::string_view text, std::size_t colon) {
  if (colon == std::string_view::npos) return {};
  std::string_view name = text.substr(0, colon);
  while (!name.empty() && is_blank(name.back())) name.remove_suffix(1);
  const bool printable = std::ranges::all_of(name, [](char c) { return c > ' ' && c < 0x7f; });
  return printable ? ascii_lower(name) : std::string();
}

// Where the field that begins at `at` ends: before the CRLF that no blank follows.
std::size_t field_end(std::string_view raw, std::size_t at) {
  for (std::size_t from = at;;) {
    const std::size_t end = raw.find("\r\n", from);
    if (end == std::string_view::npos) return raw.size();
    if (end + 2 >= raw.size() || !is_blank(raw[end + 2])) return end;
    from = end + 2;
  }
}

// Takes the octets of a canonical body, hashes as many as l= allows and counts all of them.
class Digest {
 public:
  explicit Digest(std::optional<std::uint64_t> length) : left_(length), context_(EVP_MD_CTX_new()) {
    CS_ASSERT(context_ != nullptr && EVP_DigestInit_ex(context_.get(), EVP_sha256(), nullptr) == 1);
  }

  // For long runs: hashed where they stand.
  void update(std::string_view bytes) {
    flush();
    hash(bytes);
  }
  void push(char c) {
    if (used_ == buffer_.size()) flush();
    buffer_[used_++] = c;
  }
  // For short runs: collected first.
  void append(const char* from, std::size_t count) {
    if (count >= kRunMin) return update({from, count});
    if (buffer_.size() - used_ < count) flush();
    std::memcpy(buffer_.data() + used_, from, count);
    used_ += count;
  }

  BodyDigest finish() {
    flush();
    BodyDigest out;
    out.canonical_bytes = total_;
    unsigned int size = 0;
    CS_ASSERT(EVP_DigestFinal_ex(context_.get(), out.digest.data(), &size) == 1 && size == out.digest.size());
    return out;
  }

 private:
  static constexpr std::size_t kRunMin = 1024;

  struct Free {
    void operator()(EVP_MD_CTX* context) const noexcept { EVP_MD_CTX_free(context); }
  };

  void flush() {
    hash({buffer_.data(), used_});
    used_ = 0;
  }
  void hash(std::string_view bytes) {
    total_ += bytes.size();
    if (left_) {
      bytes = bytes.substr(0, static_cast<std::size_t>(std::min<std::uint64_t>(*left_, bytes.size())));
      *left_ -= bytes.size();
    }
    if (!bytes.empty()) CS_ASSERT(EVP_DigestUpdate(context_.get(), bytes.data(), bytes.size()) == 1);
  }

  std::optional<std::uint64_t> left_;
  std::unique_ptr<EVP_MD_CTX, Free> context_;
  std::array<char, 8192> buffer_;
  std::size_t used_ = 0;
  std::uint64_t total_ = 0;
};

// RFC 6376 §3.4.3: no empty lines at the end, and one CRLF there even when the body is empty.
void simple_body(std::string_view body, Digest& digest) {
  while (body.ends_with("\r\n")) body.remove_suffix(2);
  digest.update(body);
  digest.append("\r\n", 2);
}

// Whether relaxed leaves these octets, which hold no CR, as they are: no blank at either end, none after
// another, no tab. Without a branch in the loop, so that it runs over several octets at once.
bool is_relaxed_already(const char* begin, const char* end) {
  if (is_blank(*begin) || is_blank(end[-1])) return false;
  bool touched = *begin == '\t';
  for (const char* at = begin + 1; at < end; ++at) {
    touched |= (*at == '\t') | ((*at == ' ') & (at[-1] == ' '));
  }
  return !touched;
}

// RFC 6376 §3.4.4: runs of blanks become one space, blanks before a line end go, empty lines at the end go; a
// body that is not empty ends with CRLF. Line ends and blanks are held back until something follows them.
class RelaxedBody {
 public:
  explicit RelaxedBody(Digest& digest) : digest_(digest) {}

  void digest(std::string_view body) {
    const char* at = body.data();
    const char* const end = at + body.size();
    while (at < end) {
      if (*at == '\r') {
        const bool line_end = end - at >= 2 && at[1] == '\n';
        if (line_end) {
          ++line_ends_;
          blank_ = false;
        } else {
          take(at, at + 1);
        }
        at += line_end ? 2 : 1;
        continue;
      }
      const void* const found = std::memchr(at, '\r', static_cast<std::size_t>(end - at));
      const char* const stop = found == nullptr ? end : static_cast<const char*>(found);
      if (is_relaxed_already(at, stop)) {
        take(at, stop);
      } else {
        words(at, stop);
      }
      at = stop;
    }
    if (!empty_) digest_.append("\r\n", 2);
  }

 private:
  void words(const char* at, const char* end) {
    while (at < end) {
      const char* const begin = at;
      while (at < end && !is_blank(*at)) ++at;
      if (at > begin) take(begin, at);
      if (at < end) blank_ = true;
      while (at < end && is_blank(*at)) ++at;
    }
  }
  // Octets that count, after what was held back before them.
  void take(const char* begin, const char* end) {
    for (; line_ends_ > 0; --line_ends_) digest_.append("\r\n", 2);
    if (blank_) digest_.push(' ');
    blank_ = false;
    empty_ = false;
    digest_.append(begin, static_cast<std::size_t>(end - begin));
  }

  Digest& digest_;
  std::uint64_t line_ends_ = 0;
  bool blank_ = false;
  bool empty_ = true;
};

}  // namespace

SplitMessage split_message(std::string_view raw) {
  SplitMessage out;
  std::size_t at = 0;
  while (at < raw.size()) {
    if (raw.substr(at, 2) == "\r\n") {
      out.body = raw.substr(at + 2);
      return out;
    }
    const std::size_t end = field_end(raw.substr(0, kSignedHeaderBytesMax), at);
    if (end >= kSignedHeaderBytesMax - 2 || out.fields.size() == kSignedFieldsMax) {
      out.over_limits = true;
      return out;
    }
    const std::string_view text = raw.substr(at, end - at);
    const std::size_t colon = text.find(':');
    std::string name = name_of(text, colon);
    if (name.empty()) {
      out.malformed = true;
      return out;
    }
    out.fields.push_back({std::move(name), text, colon});
    at = end + 2;
  }
  return out;
}

void append_canonical_field(std::string& out, std::string_view text, Canonical form) {
  const std::size_t colon = text.find(':');
  if (form == Canonical::simple || colon == std::string_view::npos) {
    out += text;
    return;
  }
  std::string_view name = text.substr(0, colon);
  while (!name.empty() && is_blank(name.back())) name.remove_suffix(1);
  out += ascii_lower(name);
  out += ':';
  bool blank = false;
  bool begun = false;
  const std::string_view value = text.substr(colon + 1);
  for (std::size_t i = 0; i < value.size(); ++i) {
    const char c = value[i];
    if (c == '\r' && i + 1 < value.size() && value[i + 1] == '\n') {
      ++i;  // unfolding: only the CRLF goes, the blanks that follow it stay one
    } else if (is_blank(c)) {
      blank = true;
    } else {
      if (blank && begun) out += ' ';
      blank = false;
      begun = true;
      out += c;
    }
  }
}

BodyDigest digest_body(std::string_view body, Canonical form, std::optional<std::uint64_t> length) {
  Digest digest(length);
  if (form == Canonical::simple) {
    simple_body(body, digest);
  } else {
    RelaxedBody(digest).digest(body);
  }
  return digest.finish();
}

}  // namespace countersign::mailauth
