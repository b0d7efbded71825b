// Signed mail and key records from anywhere: the whole of verify_dkim and check_arc under libFuzzer.
//
// An input is a message; what stands after a line "\nKEY " is a key record that every name in the DNS has,
// beside the keys of the corpus.
#include <cstddef>
#include <cstdint>

#include "base/assert.hpp"
#include "base/text.hpp"
#include "fuzz/wait_for.hpp"
#include "mailauth/arc.hpp"
#include "mailauth/canonical.hpp"
#include "mailauth/dkim.hpp"
#include "mailauth/dkim_key.hpp"
#include "mailauth/dkim_tags.hpp"

namespace {

using namespace countersign;
using namespace countersign::mailauth;
using fuzz::wait_for;

// Public keys that are in use by the messages of the corpus.
constexpr const char* kEd25519 = "v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=";
constexpr const char* kRsa =
    "v=DKIM1; p=MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDwIRP/UC3SBsEmGqZ9ZJW3/DkMoGeLnQg1fWn7/zYtIxN2SnFCjxOC"
    "KG9v3b4jYfcTNh5ijSsq631uBItLa7od+v/RtdC2UzJ1lWT947qR+Rcac2gbto/NMqJ0fzfVjH4OuKhitdY9tf6mcwGjaNBcWToIMmPS"
    "PDdQPNUYckcQ2QIDAQAB";

class FuzzedDns final : public net::DnsResolver {
 public:
  explicit FuzzedDns(std::string record) : record_(std::move(record)) {}
  boost::asio::awaitable<net::DnsAnswer<std::string>> txt(std::string name) override {
    CS_ASSERT(name.size() <= 400 && name.find("._domainkey.") != std::string::npos);
    co_return net::DnsAnswer<std::string>{net::DnsStatus::found, {record_, kEd25519, kRsa}};
  }
  boost::asio::awaitable<net::DnsAnswer<boost::asio::ip::address>> a(std::string) override {
    co_return none();
  }
  boost::asio::awaitable<net::DnsAnswer<boost::asio::ip::address>> aaaa(std::string) override {
    co_return none();
  }
  boost::asio::awaitable<net::DnsAnswer<net::MxRecord>> mx(std::string) override {
    co_return net::DnsAnswer<net::MxRecord>();
  }
  boost::asio::awaitable<net::DnsAnswer<std::string>> ptr(boost::asio::ip::address) override {
    co_return net::DnsAnswer<std::string>();
  }

 private:
  static net::DnsAnswer<boost::asio::ip::address> none() { return {}; }
  std::string record_;
};

// The canonical forms have properties that need no second implementation.
void expect_canonical(std::string_view bytes) {
  const SplitMessage split = split_message(bytes);
  for (const HeaderField& field : split.fields) {
    std::string once;
    std::string twice;
    append_canonical_field(once, field.text, Canonical::relaxed);
    append_canonical_field(twice, once, Canonical::relaxed);
    CS_ASSERT(once == twice);
  }
  for (const Canonical form : {Canonical::simple, Canonical::relaxed}) {
    const BodyDigest whole = digest_body(split.body, form, std::nullopt);
    const BodyDigest again = digest_body(std::string(split.body) + "\r\n\r\n", form, whole.canonical_bytes);
    CS_ASSERT(whole.canonical_bytes <= split.body.size() + 2);
    if (!split.body.empty() && split.body.ends_with("\r\n")) CS_ASSERT(again.digest == whole.digest);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  constexpr std::string_view kKey = "\nKEY ";
  const std::size_t at = bytes.rfind(kKey);
  const std::string_view raw = bytes.substr(0, at);
  const std::string_view record = at == std::string_view::npos ? bytes : bytes.substr(at + kKey.size());

  static_cast<void>(TagList::parse(bytes));
  static_cast<void>(read_key_record(record));
  expect_canonical(raw);
  FuzzedDns dns{std::string(record)};
  const auto results = wait_for(verify_dkim(dns, raw, from_us(1'700'000'000'000'000)));
  CS_ASSERT(results.size() <= kSignaturesMax + 1);
  for (const DkimResult& result : results) {
    CS_ASSERT(is_utf8(result.detail) && result.detail.size() <= 200);
    CS_ASSERT(!result.domain || (is_utf8(*result.domain) && result.domain->size() <= 253));
    CS_ASSERT(result.status != DkimStatus::pass || (result.domain && result.selector));
  }
  const ArcNote note = wait_for(check_arc(dns, raw, from_us(1'700'000'000'000'000)));
  CS_ASSERT(note.sealed_by.size() <= 253 && (note.status != ArcStatus::none || note.sealed_by.empty()));
  return 0;
}
