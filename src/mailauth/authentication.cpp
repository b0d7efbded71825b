#include "mailauth/authentication.hpp"

#include <algorithm>

namespace countersign::mailauth {

std::optional<std::string> Authentication::verified_domain() const {
  if (dmarc.status != DmarcStatus::pass) return std::nullopt;
  return dmarc.domain;
}

bool Authentication::temporary_error() const {
  return spf.status == SpfStatus::temperror || dmarc.status == DmarcStatus::temperror ||
         std::ranges::any_of(dkim, [](const DkimResult& r) { return r.status == DkimStatus::temperror; });
}

}  // namespace countersign::mailauth
