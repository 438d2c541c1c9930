// Whatever the bytes, decoding ends in a value or an error; a decoded value encodes to text that decodes to the same text.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "wire/model_json.hpp"

namespace {

template <class X>
void round(std::string_view text, fp::Result<X> (*decode)(std::string_view), std::string (*encode)(const X&)) {
  const auto first = decode(text);
  if (!first) return;
  const auto again = decode(encode(*first));
  if (!again || encode(*again) != encode(*first)) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data + 1), size - 1);
  using namespace fp::wire;
  switch (data[0] % 18) {
    case 0: round<fp::Application>(text, application_from_json, to_json); break;
    case 1: round<fp::Package>(text, package_from_json, to_json); break;
    case 2: round<fp::Deployment>(text, deployment_from_json, to_json); break;
    case 3:
      round<fp::Collection>(text, collection_from_json, [](const fp::Collection& x) { return to_json(x, Secrets::shown); });
      break;
    case 4: round<fp::DeploymentDocument>(text, deployment_document_from_json, to_json); break;
    case 5: round<fp::Device>(text, device_from_json, to_json); break;
    case 6: round<fp::DistributionPoint>(text, distribution_point_from_json, to_json); break;
    case 7: (void)fp::wire::deployment_state_from_json(text), (void)fp::wire::deployment_summary_from_json(text); break;
    case 8: (void)fp::wire::collection_member_from_json(text), (void)fp::wire::windows_from_json(text); break;
    case 9: (void)fp::wire::client_settings_from_json(text), (void)fp::wire::administrator_from_json(text); break;
    case 10: (void)fp::wire::audit_line_from_json(text), (void)fp::wire::management_point_from_json(text); break;
    case 11: (void)fp::wire::distribution_from_json(text), (void)fp::wire::content_version_from_json(text); break;
    case 12: (void)fp::wire::status_event_from_json(text), (void)fp::wire::inventory_instance_from_json(text); break;
    case 13: round<fp::Boundary>(text, boundary_from_json, to_json); break;
    case 14: round<fp::BoundaryGroup>(text, boundary_group_from_json, to_json); break;
    case 15: round<fp::BoundarySettings>(text, boundary_settings_from_json, to_json); break;
    case 16:
      round<fp::TaskSequence>(text, task_sequence_from_json, [](const fp::TaskSequence& x) { return to_json(x, Secrets::shown); });
      break;
    default: round<fp::StateMessage>(text, state_message_from_json, to_json); break;
  }
  return 0;
}
