#include "apps/doors.hpp"

namespace fp::apps {

net::ListenerOptions listener_of(const ListenerConfig& config) {
  net::ListenerOptions options;
  options.address = config.address;
  options.port = static_cast<std::uint16_t>(config.port);
  options.door = config.door;
  options.proxy_protocol = config.proxy_protocol;
  if (config.door != Door::intranet_http) {
    options.tls.emplace();
    options.tls->certificate_file = config.certificate.native();
    options.tls->key_file = config.key.native();
  }
  return options;
}

}  // namespace fp::apps
