// Prints random compositions and the messages they become, one JSON object per line, for oracle_test.py.
//   sample_mail SEED COUNT
#include <cstdio>
#include <cstdlib>

#include "base/crypto.hpp"
#include "mail/test_support.hpp"

int main(int argc, char** argv) {
  using namespace countersign;
  if (argc != 3) return 2;
  std::mt19937_64 random(std::strtoull(argv[1], nullptr, 10));
  for (unsigned long left = std::strtoul(argv[2], nullptr, 10); left > 0; --left) {
    const mail::testing_support::Sample sample = mail::testing_support::random_sample(random);
    boost::json::object line = mail::testing_support::to_json(sample);
    line["message"] = base64_encode(mail::compose(sample.composition));
    std::puts(boost::json::serialize(line).c_str());
  }
}
