// What a pass has open towards the network. Private to the agent; members stand in the order in which they need each other.
#pragma once
#include <memory>

#include "agent/core/agent.hpp"
#include "agent/core/certificate.hpp"
#include "agent/core/mp_client.hpp"
#include "agent/core/service_location.hpp"
#include "agent/core/whereabouts.hpp"

namespace fp::agent {

struct Agent::Session {
  ClientCertificate certificate;
  std::unique_ptr<Transport> transport;
  MpClient mp;
  ServiceLocation location;

  Session(World& w, ClientCertificate chosen, std::unique_ptr<Transport> made, Names names)
      : certificate(std::move(chosen)), transport(std::move(made)),
        mp(w.memory, *transport, w.clock, w.random, certificate, std::move(names)),
        location(w.memory, mp, w.clock, w.random, w.settings, w.directory, [&w] { return whereabouts(w.machine, w.memory); }) {}
};

}  // namespace fp::agent
