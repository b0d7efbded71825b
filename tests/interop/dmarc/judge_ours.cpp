// What Countersign says: dmarc_judge CASES prints "name<TAB>verdict policy" for each case.
#include <algorithm>
#include <array>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_future.hpp>
#include <fstream>
#include <iostream>
#include <sstream>

#include "base/text.hpp"
#include "mailauth/dmarc.hpp"
#include "support/zone_resolver.hpp"

namespace {

using namespace countersign;
using namespace countersign::mailauth;

struct Case {
  std::string name;
  std::string header;
  std::string zone;
  Authentication before;  // what SPF and DKIM said
};

// In the order of SpfStatus and DkimStatus.
constexpr std::array<std::string_view, 7> kSpf = {"pass",     "fail",      "none",     "neutral",
                                                  "softfail", "temperror", "permerror"};
constexpr std::array<std::string_view, 7> kDkim = {"pass",   "fail",      "none",     "neutral",
                                                   "policy", "temperror", "permerror"};

template <class Status>
Status status_of(const std::array<std::string_view, 7>& names, const std::string& name) {
  const auto found = std::ranges::find(names, name);
  if (found == names.end()) throw std::invalid_argument("no status: " + name);
  return static_cast<Status>(found - names.begin());
}

void read_line(const std::string& line, Case& into) {
  std::istringstream words(line);
  std::string kind;
  std::string status;
  std::string domain;
  words >> kind >> status >> domain;
  if (kind.ends_with(':')) {
    into.header += line + "\r\n";
  } else if (kind == "spf") {
    into.before.spf.status = status_of<SpfStatus>(kSpf, status);
    if (domain != "-") into.before.spf.domain = domain;
  } else if (kind == "dkim") {
    into.before.dkim.push_back({status_of<DkimStatus>(kDkim, status), domain, "s", {}, ""});
  } else {
    into.zone += line + "\n";
  }
}

std::vector<Case> read_cases(const char* path) {
  std::ifstream file(path);
  if (!file) throw std::runtime_error(std::string(path) + " cannot be read");
  std::vector<Case> cases;
  for (std::string line; std::getline(file, line);) {
    if (line.empty() || line.starts_with(';')) continue;
    if (line.starts_with('[')) {
      cases.emplace_back().name = line.substr(1, line.find(']') - 1);
    } else {
      read_line(line, cases.back());
    }
  }
  return cases;
}

std::string shown(const DmarcResult& result) {
  static constexpr const char* kStatus[] = {"pass", "fail", "none", "temperror", "permerror"};
  static constexpr const char* kPolicy[] = {" none", " quarantine", " reject"};
  std::string text = kStatus[static_cast<std::size_t>(result.status)];
  if (result.policy) text += kPolicy[static_cast<std::size_t>(*result.policy)];
  return text;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  for (auto& one : read_cases(argv[1])) {
    test::ZoneResolver dns(one.zone);
    boost::asio::io_context io;
    const std::string raw = one.header + "\r\nbody\r\n";
    auto judged = boost::asio::co_spawn(io, judge_dmarc(dns, raw, one.before), boost::asio::use_future);
    io.run();
    judged.get();
    std::cout << one.name << '\t' << shown(one.before.dmarc) << '\n';
  }
  return 0;
}
