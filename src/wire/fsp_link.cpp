#include "wire/fsp_link.hpp"

#include <boost/json/serialize.hpp>

#include "base/limits.hpp"
#include "base/text.hpp"
#include "wire/json_input.hpp"

namespace fp::wire {
namespace {

constexpr std::size_t kBatchBytesMax = 2 * limits::kFallbackBatchBytesMax + limits::kFallbackBatchMax * 1024;
constexpr std::size_t kSpooledBytesMax = 2 * limits::kFallbackBodyBytesMax;

Status check_id(std::string_view id) {
  if (id.size() != 32 || id.find_first_not_of("0123456789abcdef") != std::string_view::npos)
    return fail(Code::invalid, "id: must be 32 hexadecimal digits");
  return {};
}

boost::json::object object_of(const SpooledMessage& m) {
  return {{"id", m.id}, {"received_at_ms", m.received_at.ms}, {"address", m.address}, {"content_type", m.content_type},
          {"body", base64(m.body)}};
}

Result<SpooledMessage> message_of(const boost::json::object& object) {
  FP_TRY(id, json_string(object, "id"));
  FP_CHECK(check_id(id));
  FP_TRY(at, json_int(object, "received_at_ms"));
  FP_TRY(address, json_string(object, "address"));
  FP_TRY(type, json_string(object, "content_type"));
  FP_TRY(text, json_string(object, "body"));
  FP_TRY(body, unbase64(text));
  if (address.size() > 64 || type.size() > 256 || !is_utf8(type) || body.size() > limits::kFallbackBodyBytesMax)
    return fail(Code::invalid, "a message that no status point takes");
  return SpooledMessage{std::move(id), {at}, std::move(address), std::move(type), std::move(body)};
}

}  // namespace

std::string encode_spooled(const SpooledMessage& message) { return boost::json::serialize(object_of(message)); }

Result<SpooledMessage> decode_spooled(std::string_view json) {
  FP_TRY(object, json_input(json, kSpooledBytesMax));
  return message_of(object);
}

std::string encode_spool_batch(const SpoolBatch& batch) {
  boost::json::array list;
  for (const auto& message : batch.messages) list.push_back(object_of(message));
  const auto& c = batch.counts;
  return boost::json::serialize(boost::json::object{{"waiting", c.waiting},   {"waiting_bytes", c.waiting_bytes},
                                                    {"accepted", c.accepted}, {"refused", c.refused},
                                                    {"throttled", c.throttled}, {"messages", std::move(list)}});
}

Result<SpoolBatch> decode_spool_batch(std::string_view json) {
  FP_TRY(object, json_input(json, kBatchBytesMax));
  SpoolBatch out;
  const std::pair<const char*, std::int64_t*> counts[] = {{"waiting", &out.counts.waiting},   {"waiting_bytes", &out.counts.waiting_bytes},
                                                          {"accepted", &out.counts.accepted}, {"refused", &out.counts.refused},
                                                          {"throttled", &out.counts.throttled}};
  for (const auto& [name, place] : counts) {
    FP_TRY(value, json_int(object, name));
    *place = value;
  }
  FP_TRY(list, json_array(object, "messages"));
  if (list->size() > limits::kFallbackBatchMax) return fail(Code::too_large, "{} messages at once", list->size());
  for (const auto& value : *list) {
    FP_TRY(one, json_object(value, "a message"));
    FP_TRY(message, message_of(*one));
    out.messages.push_back(std::move(message));
  }
  return out;
}

std::string encode_receipts(const std::vector<std::string>& ids) {
  boost::json::array list;
  for (const auto& id : ids) list.emplace_back(id);
  return boost::json::serialize(boost::json::object{{"ids", std::move(list)}});
}

Result<std::vector<std::string>> decode_receipts(std::string_view json) {
  FP_TRY(object, json_input(json, 64U << 10));
  FP_TRY(list, json_array(object, "ids"));
  if (list->size() > limits::kFallbackBatchMax) return fail(Code::too_large, "{} receipts at once", list->size());
  std::vector<std::string> out;
  for (const auto& value : *list) {
    if (!value.is_string()) return fail(Code::invalid, "an id that is no text");
    const std::string_view id(value.get_string().data(), value.get_string().size());
    FP_CHECK(check_id(id));
    out.emplace_back(id);
  }
  return out;
}

}  // namespace fp::wire
