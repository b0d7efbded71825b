#include <iostream>

#include "base/error.hpp"
#include "cli.hpp"
#include "daemon/commands.hpp"

int main(int argc, char** argv) {
  using namespace countersign;
  try {
    return cli::run(argc, argv, std::cout, std::cerr);
  } catch (const EnvironmentError& error) {
    std::cerr << "countersign: " << error.what() << '\n';
    return daemon::kExitEnvironment;
  }
}
