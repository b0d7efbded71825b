// What Countersign says: dkim_judge ZONE FILE… prints "name<TAB>result,…<TAB>arc result" for each.
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_future.hpp>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <sstream>

#include "mailauth/arc.hpp"
#include "mailauth/dkim.hpp"
#include "support/zone_resolver.hpp"

namespace {

using namespace countersign;

std::string read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) throw std::runtime_error(path + " cannot be read");
  std::ostringstream content;
  content << file.rdbuf();
  return content.str();
}

template <class T>
T wait_for(boost::asio::awaitable<T> work) {
  boost::asio::io_context io;
  auto result = boost::asio::co_spawn(io, std::move(work), boost::asio::use_future);
  io.run();
  return result.get();
}

const char* name_of(mailauth::DkimStatus status) {
  static constexpr const char* kNames[] = {"pass",   "fail",      "none",     "neutral",
                                           "policy", "temperror", "permerror"};
  return kNames[static_cast<std::size_t>(status)];
}

const char* name_of(mailauth::ArcStatus status) {
  static constexpr const char* kNames[] = {"none", "pass", "fail"};
  return kNames[static_cast<std::size_t>(status)];
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) return 2;
  test::ZoneResolver dns(read_file(argv[1]));
  const UtcTime now = SystemClock().now();
  for (int i = 2; i < argc; ++i) {
    const std::string raw = read_file(argv[i]);
    std::cout << std::filesystem::path(argv[i]).stem().string() << '\t';
    const char* separator = "";
    for (const auto& result : wait_for(mailauth::verify_dkim(dns, raw, now))) {
      std::cout << separator << name_of(result.status);
      separator = ",";
    }
    std::cout << '\t' << name_of(wait_for(mailauth::check_arc(dns, raw, now)).status) << '\n';
  }
  return 0;
}
