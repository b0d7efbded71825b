#include "support/zone_resolver.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/asio/ip/address.hpp>
#include <stdexcept>

#include "base/text.hpp"

namespace countersign::test {
namespace {

using boost::asio::ip::address;

constexpr int kAliasesMax = 8;

std::string canonical(std::string_view name) {
  if (name.ends_with('.')) name.remove_suffix(1);
  return ascii_lower(name);
}

bool is_name(std::string_view name) {
  if (name.empty() || name.size() > 253) return false;
  while (true) {
    const auto dot = name.find('.');
    const auto label = name.substr(0, dot);
    if (label.empty() || label.size() > 63) return false;
    if (dot == std::string_view::npos) return true;
    name.remove_prefix(dot + 1);
  }
}

std::string_view take_word(std::string_view& line) {
  line.remove_prefix(std::min(line.find_first_not_of(" \t"), line.size()));
  const auto word = line.substr(0, line.find_first_of(" \t"));
  line.remove_prefix(word.size());
  return word;
}

/// Character strings between quotes (RFC 1035 §5.1), joined.
std::string read_strings(std::string_view text) {
  std::string joined;
  bool inside = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '"') {
      inside = !inside;
    } else if (!inside) {
      if (c != ' ' && c != '\t') throw std::invalid_argument("text outside quotes: " + std::string(text));
    } else if (c != '\\') {
      joined += c;
    } else if (i + 3 < text.size() && text[i + 1] >= '0' && text[i + 1] <= '9') {
      joined += static_cast<char>(std::stoi(std::string(text.substr(i + 1, 3))));
      i += 3;
    } else if (++i < text.size()) {
      joined += text[i];
    }
  }
  if (inside) throw std::invalid_argument("a quote is not closed: " + std::string(text));
  return joined;
}

}  // namespace

std::string reverse_name(const address& address) {
  std::string name;
  if (address.is_v4()) {
    const auto bytes = address.to_v4().to_bytes();
    return fmt::format("{}.{}.{}.{}.in-addr.arpa", bytes[3], bytes[2], bytes[1], bytes[0]);
  }
  const auto bytes = address.to_v6().to_bytes();
  for (auto byte = bytes.rbegin(); byte != bytes.rend(); ++byte) {
    name += fmt::format("{:x}.{:x}.", *byte & 0xF, *byte >> 4);
  }
  return name + "ip6.arpa";
}

void ZoneResolver::add(std::string_view lines) {
  while (!lines.empty()) {
    const auto line = lines.substr(0, lines.find('\n'));
    lines.remove_prefix(std::min(line.size() + 1, lines.size()));
    const auto text = trim(line);
    if (!text.empty() && !text.starts_with(';')) add_line(text);
  }
}

void ZoneResolver::clear() {
  records_.clear();
  names_.clear();
  questions_.clear();
}

void ZoneResolver::add_line(std::string_view line) {
  const auto name = take_word(line);
  const std::string type(take_word(line));
  add(name, type, trim(line));
}

void ZoneResolver::add(std::string_view name, const std::string& type, std::string_view data) {
  if (type == "TXT") {
    add_record(name, type, read_strings(data));
  } else if (type == "A" || type == "AAAA") {
    boost::system::error_code wrong;
    const auto address = boost::asio::ip::make_address(std::string(data), wrong);
    if (wrong || address.is_v4() != (type == "A"))
      throw std::invalid_argument("no address: " + std::string(data));
    add_record(name, type, address.to_string());
  } else if (type == "CNAME" || type == "PTR") {
    add_record(name, type, canonical(data));
  } else if (type == "MX") {
    add_record(name, type, std::string(data));
  } else if (type == "FAIL") {
    add_record(name, "FAIL", data.empty() ? "*" : std::string(data));
  } else {
    throw std::invalid_argument("record type '" + type + "'");
  }
}

void ZoneResolver::add_record(std::string_view name, const std::string& type, std::string data) {
  std::string key = canonical(name);
  records_[{key, type}].push_back(std::move(data));
  while (true) {
    names_.insert(key);
    const auto dot = key.find('.');
    if (dot == std::string::npos) return;
    key.erase(0, dot + 1);
  }
}

net::DnsAnswer<std::string> ZoneResolver::look_up(std::string_view asked, const std::string& type) {
  std::string name = canonical(asked);
  questions_.push_back(type + " " + name);
  if (!is_name(name)) return {net::DnsStatus::no_such_name, {}};
  for (int aliases = 0; aliases <= kAliasesMax; ++aliases) {
    if (const auto failing = records_.find({name, "FAIL"}); failing != records_.end()) {
      const auto& types = failing->second;
      if (std::ranges::find(types, "*") != types.end() || std::ranges::find(types, type) != types.end()) {
        return {net::DnsStatus::failed, {}};
      }
    }
    if (const auto found = records_.find({name, type}); found != records_.end()) {
      return {net::DnsStatus::found, found->second};
    }
    const auto alias = records_.find({name, "CNAME"});
    if (alias == records_.end()) {
      return {names_.contains(name) ? net::DnsStatus::no_data : net::DnsStatus::no_such_name, {}};
    }
    name = alias->second.front();
  }
  return {net::DnsStatus::failed, {}};
}

net::DnsAnswer<address> ZoneResolver::addresses(std::string_view name, const std::string& type) {
  const auto answer = look_up(name, type);
  net::DnsAnswer<address> result{answer.status, {}};
  for (const auto& record : answer.records) result.records.push_back(boost::asio::ip::make_address(record));
  return result;
}

boost::asio::awaitable<net::DnsAnswer<std::string>> ZoneResolver::txt(std::string name) {
  co_return look_up(name, "TXT");
}

boost::asio::awaitable<net::DnsAnswer<address>> ZoneResolver::a(std::string name) {
  co_return addresses(name, "A");
}

boost::asio::awaitable<net::DnsAnswer<address>> ZoneResolver::aaaa(std::string name) {
  co_return addresses(name, "AAAA");
}

boost::asio::awaitable<net::DnsAnswer<net::MxRecord>> ZoneResolver::mx(std::string name) {
  const auto answer = look_up(name, "MX");
  net::DnsAnswer<net::MxRecord> result{answer.status, {}};
  for (std::string_view record : answer.records) {
    const auto preference = take_word(record);
    result.records.push_back(
        {static_cast<std::uint16_t>(std::stoi(std::string(preference))), canonical(trim(record))});
  }
  co_return result;
}

boost::asio::awaitable<net::DnsAnswer<std::string>> ZoneResolver::ptr(address address) {
  co_return look_up(reverse_name(address), "PTR");
}

}  // namespace countersign::test
