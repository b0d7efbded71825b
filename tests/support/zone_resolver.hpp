// A DNS of the test's own: records in memory, every answer at once.
#pragma once

#include <cstddef>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "net/dns.hpp"

namespace countersign::test {

/// Answers from records given line by line, in the form of a zone file without classes and lifetimes:
///
///     example.com      TXT  "v=spf1 " "-all"       (quoted strings as in RFC 1035 §5.1: \" \\ \DDD)
///     example.com      MX   10 mail.example.com
///     mail.example.com A    192.0.2.1
///     _dmarc.broken.example  FAIL                  (every question for the name fails; or FAIL TXT: only
///     TXT)
///
/// Types: A AAAA CNAME MX PTR TXT FAIL. Blank lines and those that begin with `;` are skipped. Aliases are
/// followed; a ring of them fails. A name that only stands above others exists and has no data.
class ZoneResolver final : public net::DnsResolver {
 public:
  ZoneResolver() = default;
  explicit ZoneResolver(std::string_view lines) { add(lines); }

  /// A line that cannot be read is a mistake of the test: throws std::invalid_argument.
  void add(std::string_view lines);
  /// One record in the three parts of a line; for names that hold blanks.
  void add(std::string_view name, const std::string& type, std::string_view data);
  /// A TXT record of one or several strings, any bytes.
  void add_txt(std::string_view name, std::string_view text) { add_record(name, "TXT", std::string(text)); }
  void clear();

  /// How many questions were asked since the start or clear(), and which: "TXT example.com".
  [[nodiscard]] const std::vector<std::string>& questions() const { return questions_; }

  boost::asio::awaitable<net::DnsAnswer<std::string>> txt(std::string name) override;
  boost::asio::awaitable<net::DnsAnswer<boost::asio::ip::address>> a(std::string name) override;
  boost::asio::awaitable<net::DnsAnswer<boost::asio::ip::address>> aaaa(std::string name) override;
  boost::asio::awaitable<net::DnsAnswer<net::MxRecord>> mx(std::string name) override;
  boost::asio::awaitable<net::DnsAnswer<std::string>> ptr(boost::asio::ip::address address) override;

 private:
  using Key = std::pair<std::string, std::string>;  // name, type

  void add_line(std::string_view line);
  void add_record(std::string_view name, const std::string& type, std::string data);
  net::DnsAnswer<std::string> look_up(std::string_view name, const std::string& type);
  net::DnsAnswer<boost::asio::ip::address> addresses(std::string_view name, const std::string& type);

  std::map<Key, std::vector<std::string>> records_;
  std::set<std::string> names_;  // with records, or above some that have
  std::vector<std::string> questions_;
};

/// The name under which an address's names are found: `1.2.0.192.in-addr.arpa`.
[[nodiscard]] std::string reverse_name(const boost::asio::ip::address& address);

}  // namespace countersign::test
