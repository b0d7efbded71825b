// What Countersign says: spf_judge CASES prints "name<TAB>result" for each case.
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_future.hpp>
#include <fstream>
#include <iostream>
#include <sstream>

#include "base/text.hpp"
#include "mailauth/spf.hpp"
#include "support/zone_resolver.hpp"

namespace {

using namespace countersign;

struct Case {
  std::string name;
  mailauth::Origin origin{boost::asio::ip::make_address("192.0.2.1"), "mail.example.com", "ada@example.com"};
  std::string zone;
};

/// The first of them is no case: its zone stands beside that of every other.
std::vector<Case> read_cases(const char* path) {
  std::ifstream file(path);
  if (!file) throw std::runtime_error(std::string(path) + " cannot be read");
  std::vector<Case> cases(1);
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with('[')) {
      cases.emplace_back().name = line.substr(1, line.find(']') - 1);
    } else if (line.starts_with('?')) {
      std::istringstream words(line.substr(1));
      std::string client;
      auto& origin = cases.back().origin;
      words >> client >> origin.mail_from >> origin.helo;
      origin.client = boost::asio::ip::make_address(client);
      if (origin.mail_from == "<>") origin.mail_from.clear();
    } else {
      cases.back().zone += line + "\n";
    }
  }
  return cases;
}

const char* name_of(mailauth::SpfStatus status) {
  static constexpr const char* kNames[] = {"pass",     "fail",      "none",     "neutral",
                                           "softfail", "temperror", "permerror"};
  return kNames[static_cast<std::size_t>(status)];
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  const auto cases = read_cases(argv[1]);
  for (auto it = cases.begin() + 1; it != cases.end(); ++it) {
    test::ZoneResolver dns(cases.front().zone + it->zone);
    boost::asio::io_context io;
    auto verdict =
        boost::asio::co_spawn(io, mailauth::check_host(dns, it->origin, {}), boost::asio::use_future);
    io.run();
    std::cout << it->name << '\t' << name_of(verdict.get().status) << '\n';
  }
  return 0;
}
