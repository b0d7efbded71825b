#include "provider/ses/credentials.hpp"

#include <fmt/format.h>

#include <boost/asio/use_awaitable.hpp>
#include <boost/json.hpp>
#include <chrono>
#include <utility>

#include "base/assert.hpp"
#include "base/log.hpp"
#include "base/secret_file.hpp"
#include "base/text.hpp"
#include "provider/http_reply.hpp"

namespace asio = boost::asio;

namespace countersign::provider::ses {
namespace {

// New credentials are there at least five minutes before the old ones end (EC2 User Guide, "Retrieve security
// credentials from instance metadata").
constexpr std::chrono::minutes kRenewBefore{5};
constexpr std::chrono::seconds kTokenLife{21'600};  // the longest that IMDSv2 gives
constexpr std::chrono::milliseconds kConnectTimeout{2'000};
constexpr std::chrono::milliseconds kTotalTimeout{5'000};
constexpr std::size_t kAnswerBytesMax = 64 * 1024;
constexpr std::string_view kMetadataService = "the instance metadata service";
constexpr std::string_view kContainerService = "the container's credential service";
constexpr std::size_t kRoleBytesMax = 128;  // IAM: 64 characters

net::HttpRequest local_request(std::string method, std::string url) {
  net::HttpRequest request;
  request.method = std::move(method);
  request.url = std::move(url);
  request.https_only = request.url.starts_with("https://");  // link-local services speak plain HTTP
  request.connect_timeout = kConnectTimeout;
  request.total_timeout = kTotalTimeout;
  request.answer_bytes_max = kAnswerBytesMax;
  return request;
}

bool is_role(std::string_view name) {
  return !name.empty() && name.size() <= kRoleBytesMax &&
         name.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+=,.@_-") ==
             std::string_view::npos;
}

}  // namespace

CredentialSource::CredentialSource(asio::any_io_executor executor, net::HttpClient& client,
                                   CredentialOptions options, const Clock& clock)
    : client_(client), options_(std::move(options)), clock_(clock), turn_(std::move(executor), 1) {
  CS_ASSERT(turn_.try_send(boost::system::error_code()));
}

std::optional<Credentials> CredentialSource::kept(Duration valid_for) {
  const std::lock_guard lock(mutex_);
  if (!temporary_ || clock_.now() + valid_for >= temporary_->expires_at) return std::nullopt;
  return temporary_->credentials;
}

asio::awaitable<Result<Credentials, std::string>> CredentialSource::get() {
  if (!options_.fixed.access_key_id.empty()) co_return fixed();
  if (auto good = kept(kRenewBefore)) co_return std::move(*good);
  co_await turn_.async_receive(asio::use_awaitable);
  struct GiveBack {
    Turn& turn;
    ~GiveBack() { CS_ASSERT(turn.try_send(boost::system::error_code())); }
  } const give_back{turn_};
  if (auto good = kept(kRenewBefore)) co_return std::move(*good);  // somebody else's turn brought them
  Result<Temporary, std::string> fetched = co_await fetch();
  if (fetched) {
    const std::lock_guard lock(mutex_);
    temporary_ = std::move(*fetched);
    co_return temporary_->credentials;
  }
  if (auto still_good = kept(Duration(0))) {
    log::warn("ses.credentials_not_renewed", {{"error", fetched.error()}});
    co_return std::move(*still_good);
  }
  co_return unexpected("no AWS credentials: " + fetched.error() +
                       "; set ses.access_key_id and ses.secret_access_key, or give this machine a role");
}

Result<Credentials, std::string> CredentialSource::fixed() const {
  Credentials credentials = options_.fixed;
  if (options_.fixed_secret_file.empty()) return credentials;
  auto secret = read_secret_file(options_.fixed_secret_file);
  if (!secret) return unexpected("the file of the secret access key " + secret.error());
  credentials.secret_access_key = std::move(*secret);
  return credentials;
}

void CredentialSource::forget(const Credentials& credentials) {
  const std::lock_guard lock(mutex_);
  if (temporary_ && temporary_->credentials == credentials) temporary_.reset();
}

asio::awaitable<Result<CredentialSource::Temporary, std::string>> CredentialSource::fetch() {
  if (options_.container_url.empty()) co_return co_await fetch_from_metadata();
  net::HttpRequest request = local_request("GET", options_.container_url);
  if (!options_.container_token.empty()) request.headers.add("Authorization", options_.container_token);
  const Answer answer = co_await ask(kContainerService, std::move(request));
  if (!answer) co_return unexpected(answer.error());
  co_return read(*answer);
}

// EC2 User Guide, "Use IMDSv2" and "Retrieve security credentials from instance metadata".
asio::awaitable<Result<CredentialSource::Temporary, std::string>> CredentialSource::fetch_from_metadata() {
  net::HttpRequest for_token = local_request("PUT", options_.metadata_url + "/latest/api/token");
  for_token.headers.add("X-aws-ec2-metadata-token-ttl-seconds", std::to_string(kTokenLife.count()));
  const Answer token = co_await ask(kMetadataService, std::move(for_token));
  if (!token) co_return unexpected(token.error());

  const std::string folder = options_.metadata_url + "/latest/meta-data/iam/security-credentials/";
  net::HttpRequest for_role = local_request("GET", folder);
  for_role.headers.add("X-aws-ec2-metadata-token", *token);
  const Answer roles = co_await ask(kMetadataService, std::move(for_role));
  if (!roles) co_return unexpected(roles.error());
  const std::string role(trim(roles->substr(0, roles->find('\n'))));
  if (!is_role(role)) co_return unexpected("the instance metadata service names no role");

  net::HttpRequest for_keys = local_request("GET", folder + role);
  for_keys.headers.add("X-aws-ec2-metadata-token", *token);
  const Answer keys = co_await ask(kMetadataService, std::move(for_keys));
  if (!keys) co_return unexpected(keys.error());
  co_return read(*keys);
}

// What went wrong is told to tenants, in the lifecycle of a message that waits for it. The URL, which may
// hold a secret of this machine, is not for them.
asio::awaitable<CredentialSource::Answer> CredentialSource::ask(std::string_view service,
                                                                net::HttpRequest request) {
  const auto outcome = co_await client_.send(std::move(request));
  if (!outcome) {
    co_return unexpected(
        fmt::format("{} cannot be asked ({})", service, net::to_string(outcome.error().fault)));
  }
  if (outcome->status != 200) co_return unexpected(fmt::format("{}: status {}", service, outcome->status));
  co_return outcome->body;
}

Result<CredentialSource::Temporary, std::string> CredentialSource::read(std::string_view json) {
  boost::system::error_code fault;
  const boost::json::value parsed = boost::json::parse(json, fault);
  if (fault || !parsed.is_object()) return unexpected("credentials that are no JSON object");
  const std::string code = text_member(parsed, {"Code"});  // of the metadata service only
  if (!code.empty() && code != "Success") return unexpected("the metadata service gives no credentials");
  Temporary out;
  out.credentials.access_key_id = text_member(parsed, {"AccessKeyId"});
  out.credentials.secret_access_key = text_member(parsed, {"SecretAccessKey"});
  out.credentials.session_token = text_member(parsed, {"Token"});
  const auto expires_at = parse_rfc3339(text_member(parsed, {"Expiration"}));
  if (out.credentials.access_key_id.empty() || out.credentials.secret_access_key.empty() || !expires_at) {
    return unexpected("credentials without AccessKeyId, SecretAccessKey or Expiration");
  }
  out.expires_at = *expires_at;
  return out;
}

}  // namespace countersign::provider::ses
