#include "provider/ses/sigv4.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <vector>

#include "base/crypto.hpp"
#include "base/text.hpp"

namespace countersign::provider::ses {
namespace {

constexpr std::string_view kAlgorithm = "AWS4-HMAC-SHA256";

std::string_view bytes_of(const Sha256& digest) {
  return {reinterpret_cast<const char*>(digest.data()), digest.size()};
}

struct Url {
  std::string host;  // as the Host header has it: without the scheme's own port
  std::string path;
  std::string query;
};

Url split(std::string_view url) {
  const bool tls = url.starts_with("https://");
  url.remove_prefix(std::min(url.find("://") + 3, url.size()));
  const std::size_t authority_end = std::min(url.find_first_of("/?"), url.size());
  Url out;
  out.host = ascii_lower(url.substr(0, authority_end));
  const std::string_view own_port = tls ? ":443" : ":80";
  if (out.host.ends_with(own_port)) out.host.resize(out.host.size() - own_port.size());
  url.remove_prefix(authority_end);
  const std::size_t question = std::min(url.find('?'), url.size());
  out.path = question == 0 ? "/" : std::string(url.substr(0, question));
  if (question < url.size()) out.query = url.substr(question + 1);
  return out;
}

// Every octet but unreserved ones and the slash (RFC 3986 §2.3); what was encoded before is encoded again, as
// every service but S3 wants it.
std::string encoded_path(std::string_view path) {
  std::string out;
  for (const char c : path) {
    const bool plain = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                       std::string_view("-._~/").find(c) != std::string_view::npos;
    out += plain ? std::string(1, c) : fmt::format("%{:02X}", static_cast<unsigned char>(c));
  }
  return out;
}

std::string sorted_query(std::string_view query) {
  std::vector<std::string> pairs;
  while (!query.empty()) {
    const std::size_t end = std::min(query.find('&'), query.size());
    std::string pair(query.substr(0, end));
    if (pair.find('=') == std::string::npos) pair += '=';
    pairs.push_back(std::move(pair));
    query.remove_prefix(std::min(end + 1, query.size()));
  }
  std::ranges::sort(pairs);
  return fmt::format("{}", fmt::join(pairs, "&"));
}

// Without blanks at both ends, runs of them as one.
std::string canonical_value(std::string_view value) {
  std::string out;
  for (const char c : trim(value)) {
    if (c != ' ' || !out.ends_with(' ')) out += c;
  }
  return out;
}

Sha256 signing_key(const Credentials& credentials, std::string_view date, std::string_view region,
                   std::string_view service) {
  Sha256 key = hmac_sha256("AWS4" + credentials.secret_access_key, date);
  for (const std::string_view part : {region, service, std::string_view("aws4_request")}) {
    key = hmac_sha256(bytes_of(key), part);
  }
  return key;
}

}  // namespace

void sign(net::HttpRequest& request, const Credentials& credentials, std::string_view region,
          std::string_view service, UtcTime now) {
  const Url url = split(request.url);
  const std::string time =
      fmt::format("{:%Y%m%dT%H%M%SZ}", std::chrono::time_point_cast<std::chrono::seconds>(now));
  const std::string date = time.substr(0, 8);
  request.headers.set("X-Amz-Date", time);
  if (!credentials.session_token.empty()) {
    request.headers.set("X-Amz-Security-Token", credentials.session_token);
  }

  std::map<std::string, std::string> fields{{"host", url.host}};
  for (const net::Header& field : request.headers) {
    std::string& value = fields[ascii_lower(field.name)];
    if (!value.empty()) value += ',';
    value += canonical_value(field.value);
  }
  std::string canonical_fields;
  std::string names;
  for (const auto& [name, value] : fields) {
    canonical_fields += name + ":" + value + "\n";
    names += (names.empty() ? "" : ";") + name;
  }
  const std::string canonical =
      fmt::format("{}\n{}\n{}\n{}\n{}\n{}", request.method, encoded_path(url.path), sorted_query(url.query),
                  canonical_fields, names, sha256_hex(request.body));
  const std::string scope = fmt::format("{}/{}/{}/aws4_request", date, region, service);
  const std::string to_sign = fmt::format("{}\n{}\n{}\n{}", kAlgorithm, time, scope, sha256_hex(canonical));
  const Sha256 key = signing_key(credentials, date, region, service);
  request.headers.set("Authorization", fmt::format("{} Credential={}/{}, SignedHeaders={}, Signature={}",
                                                   kAlgorithm, credentials.access_key_id, scope, names,
                                                   to_hex(hmac_sha256(bytes_of(key), to_sign))));
}

}  // namespace countersign::provider::ses
