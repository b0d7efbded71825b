// SPF records from anywhere: reading them, and check_host() over a DNS made of the input, under libFuzzer.
//
// An input is lines: MAIL FROM, HELO, the record of MAIL FROM's domain, and texts that other names have. What
// a name has, and whether the DNS answers for it, follows from its hash.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "base/assert.hpp"
#include "base/text.hpp"
#include "fuzz/wait_for.hpp"
#include "mailauth/spf.hpp"
#include "mailauth/spf_record.hpp"
#include "net/dns.hpp"

namespace {

using namespace countersign;
using namespace countersign::mailauth;
using boost::asio::ip::address;
using fuzz::wait_for;
using net::DnsStatus;

// RFC 7208 §4.6.4: the record itself; ten terms, each an MX with ten hosts at worst; the client's ten names
// once; and an explanation.
constexpr int kQuestionsMax = 1 + 10 * 11 + 11 + 1;

std::uint32_t hash_of(std::string_view text, std::uint32_t hash = 2166136261U) {  // FNV-1a
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 16777619U;
  return hash ^ (hash >> 15);
}

enum class Others : std::uint8_t { answer, fail };

class FuzzedDns final : public net::DnsResolver {
 public:
  FuzzedDns(const std::vector<std::string>& texts, const address& client, Others others)
      : texts_(texts), client_(client), others_(others) {}

  boost::asio::awaitable<net::DnsAnswer<std::string>> txt(std::string name) override {
    net::DnsAnswer<std::string> answer{status_of(name), {}};
    if (questions_ == 1) answer.status = DnsStatus::found;
    if (answer.status != DnsStatus::found) co_return answer;
    answer.records.push_back(questions_ == 1 ? texts_.front() : texts_[hash_of(name) % texts_.size()]);
    if (questions_ > 1 && hash_of(name, 2) % 8 == 0) answer.records.emplace_back("site-verification=1");
    co_return answer;
  }
  boost::asio::awaitable<net::DnsAnswer<address>> a(std::string name) override {
    co_return addresses(name, boost::asio::ip::make_address("198.51.100.1"));
  }
  boost::asio::awaitable<net::DnsAnswer<address>> aaaa(std::string name) override {
    co_return addresses(name, boost::asio::ip::make_address("2001:db8::ffff"));
  }
  boost::asio::awaitable<net::DnsAnswer<net::MxRecord>> mx(std::string name) override {
    net::DnsAnswer<net::MxRecord> answer{status_of(name), {}};
    if (answer.status != DnsStatus::found) co_return answer;
    for (std::uint32_t i = 0; i <= hash_of(name) % 12; ++i) {
      answer.records.push_back({10, i == 7 ? "" : static_cast<char>('a' + i) + ("." + name)});
    }
    co_return answer;
  }
  boost::asio::awaitable<net::DnsAnswer<std::string>> ptr(address) override {
    net::DnsAnswer<std::string> answer{status_of("client" + std::to_string(hash_of(texts_.back()))), {}};
    if (answer.status != DnsStatus::found) co_return answer;
    for (std::uint32_t i = 0; i <= hash_of(texts_.back()) % 12; ++i) {
      answer.records.push_back(static_cast<char>('a' + i) + std::string(".example.com"));
    }
    co_return answer;
  }

 private:
  DnsStatus status_of(const std::string& name) {
    CS_ASSERT(++questions_ <= kQuestionsMax);
    CS_ASSERT(std::ranges::all_of(name, [](char c) { return c >= 0; }));
    if (others_ == Others::fail && questions_ > 1) return DnsStatus::failed;
    switch (hash_of(name, 1) % 16) {
      case 0:
        return DnsStatus::failed;
      case 1:
        return DnsStatus::no_data;
      case 2:
        return DnsStatus::no_such_name;
      default:
        return DnsStatus::found;
    }
  }
  net::DnsAnswer<address> addresses(const std::string& name, const address& other) {
    net::DnsAnswer<address> answer{status_of(name), {}};
    if (answer.status == DnsStatus::found) answer.records = {other};
    if (answer.status == DnsStatus::found && hash_of(name, 3) % 4 == 0 && client_.is_v4() == other.is_v4()) {
      answer.records.push_back(client_);
    }
    return answer;
  }

  const std::vector<std::string>& texts_;
  const address client_;
  const Others others_;
  int questions_ = 0;
};

std::vector<std::string> lines_of(std::string_view bytes) {
  std::vector<std::string> lines;
  while (true) {
    const auto end = bytes.find('\n');
    lines.emplace_back(bytes.substr(0, end));
    if (end == std::string_view::npos) return lines;
    bytes.remove_prefix(end + 1);
  }
}

/// What was read reads the same again, put together from its terms.
void expect_stable(std::string_view text) {
  const auto record = parse_spf_record(text);
  if (!record) {
    CS_ASSERT(!record.error().empty() && text.contains(record.error()));
    return;
  }
  std::string again = "v=spf1";
  for (const auto& mechanism : record->mechanisms) {
    CS_ASSERT(mechanism.prefix4 <= 32 && mechanism.prefix6 <= 128);
    again += " " + mechanism.text;
  }
  const auto second = parse_spf_record(again);
  CS_ASSERT(second && second->mechanisms.size() == record->mechanisms.size());
  for (std::size_t i = 0; i < record->mechanisms.size(); ++i) {
    const auto& [one, other] = std::pair(record->mechanisms[i], second->mechanisms[i]);
    CS_ASSERT(one.kind == other.kind && one.qualifier == other.qualifier && one.network == other.network);
  }
}

/// Something in the record passes without a question to the DNS.
bool passes_alone(std::string_view text) {
  if (!is_spf_record(text)) return false;
  const auto record = parse_spf_record(text);
  return record && std::ranges::any_of(record->mechanisms, [](const Mechanism& mechanism) {
           return mechanism.qualifier == SpfStatus::pass &&
                  (mechanism.kind == MechanismKind::all || mechanism.kind == MechanismKind::ip4 ||
                   mechanism.kind == MechanismKind::ip6);
         });
}

bool is_printable(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return c >= ' ' && c <= '~'; });
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  auto lines = lines_of({reinterpret_cast<const char*>(data), size});
  lines.resize(std::max<std::size_t>(lines.size(), 3));
  for (const auto* client : {"192.0.2.1", "2001:db8::1"}) {
    const Origin origin{boost::asio::ip::make_address(client), lines[1], lines[0]};
    const std::vector<std::string> texts(lines.begin() + 2, lines.end());
    for (const auto& text : texts) {
      if (is_spf_record(text)) expect_stable(text);
    }
    FuzzedDns dns(texts, origin.client, Others::answer);
    const auto verdict = wait_for(check_host(dns, origin, {}));
    CS_ASSERT(is_printable(verdict.reason) && is_printable(verdict.explanation));
    CS_ASSERT(verdict.status == SpfStatus::fail || verdict.explanation.empty());

    FuzzedDns dark(texts, origin.client, Others::fail);
    const auto in_the_dark = wait_for(check_host(dark, origin, {}));
    CS_ASSERT(in_the_dark.status != SpfStatus::pass || passes_alone(texts.front()));
  }
  return 0;
}
