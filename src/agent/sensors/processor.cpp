// PROCESSOR: one instance for each socket, from /proc/cpuinfo.
#include <algorithm>
#include <map>

#include "agent/sensors/reading.hpp"
#include "base/text.hpp"

namespace fp::sensors {

Result<Instances> read_processor(const Source& source) {
  FP_TRY(text, text_of(source, "/proc/cpuinfo"));
  struct Socket {
    std::map<std::string, std::string> first;
    int threads = 0;
  };
  std::map<std::string, Socket> sockets;
  std::size_t at = 0;
  while (at < text.size()) {
    const auto end = std::min(text.find("\n\n", at), text.size());
    const auto fields = parse_colons(std::string_view(text).substr(at, end - at));
    at = end + 2;
    if (!fields.contains("processor")) continue;
    const auto physical = fields.find("physical id");
    Socket& socket = sockets[physical == fields.end() ? "0" : physical->second];
    if (socket.threads++ == 0) socket.first = fields;
  }
  if (sockets.empty()) return fail(Code::corrupt, "/proc/cpuinfo names no processor");
  Instances out;
  for (auto& [id, socket] : sockets) {
    auto& f = socket.first;
    std::string mhz = f["cpu MHz"];
    mhz = mhz.substr(0, mhz.find('.'));
    out.push_back(instance("PROCESSOR", "CPU" + id,
                           {{"DeviceID", "CPU" + id},
                            {"Name", f["model name"].empty() ? f["CPU part"] : f["model name"]},
                            {"Manufacturer", f["vendor_id"].empty() ? f["CPU implementer"] : f["vendor_id"]},
                            {"NumberOfCores", f["cpu cores"].empty() ? std::to_string(socket.threads) : f["cpu cores"]},
                            {"NumberOfLogicalProcessors", std::to_string(socket.threads)},
                            {"Family", f["cpu family"]},
                            {"Model", f["model"]},
                            {"Stepping", f["stepping"]},
                            {"NormSpeed", mhz},
                            {"Architecture", machine_of(source)}}));
  }
  return out;
}

}  // namespace fp::sensors
