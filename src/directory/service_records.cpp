#include "directory/service_records.hpp"

#include <arpa/nameser.h>
#include <netdb.h>
#include <netinet/in.h>
#include <resolv.h>

namespace fp::directory {

Result<std::vector<wire::ServiceRecord>> look_up_services(const std::string& name) {
  struct __res_state state {};
  if (::res_ninit(&state) != 0) return fail(Code::unavailable, "the resolver cannot be set up");
  std::string answer(16U << 10, '\0');
  const int bytes = ::res_nquery(&state, name.c_str(), ns_c_in, ns_t_srv, reinterpret_cast<unsigned char*>(answer.data()),
                                 static_cast<int>(answer.size()));
  const int problem = state.res_h_errno;
  ::res_nclose(&state);
  if (bytes < 0) {
    if (problem == HOST_NOT_FOUND || problem == NO_DATA) return fail(Code::not_found, "DNS has no service record {}", name);
    return fail(Code::unavailable, "no name server answered for {}", name);
  }
  if (static_cast<std::size_t>(bytes) > answer.size()) return fail(Code::too_large, "{}: the answer has {} bytes", name, bytes);
  answer.resize(static_cast<std::size_t>(bytes));
  return wire::decode_service_records(answer);
}

}  // namespace fp::directory
