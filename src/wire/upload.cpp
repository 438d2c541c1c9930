#include "wire/upload.hpp"

#include "base/ids.hpp"
#include "base/limits.hpp"
#include "base/text.hpp"
#include "wire/xml.hpp"

namespace fp::wire {
namespace {

constexpr XmlLimits kSmall{.bytes_max = 16U << 10, .depth_max = 8, .nodes_max = 100};

std::string braced(std::string_view id) { return "{" + std::string(id) + "}"; }

}  // namespace

Result<UploadRequest> decode_upload_request(std::string_view document) {
  FP_TRY(xml, parse_xml_as("UploadRequest", document, kSmall));
  UploadRequest request;
  FP_TRY(client_id, parse_client_id(xml.root().text_of("ClientID")));
  request.client_id = std::move(client_id);
  request.internet = iequals(xml.root().attr("NetworkType"), "Internet");
  if (const std::string size = xml.root().text_of("Size"); !size.empty()) {
    FP_TRY(bytes, parse_int(size));
    if (bytes < 0) return fail(Code::invalid, "Size is negative");
    if (bytes > static_cast<std::int64_t>(limits::kUploadBytesMax))
      return fail(Code::too_large, "an upload of {} bytes is over {}", bytes, limits::kUploadBytesMax);
    request.bytes = bytes;
  }
  return request;
}

std::string encode_upload_request(const UploadRequest& request) {
  XmlWriter out;
  out.open("UploadRequest")
      .attr("SchemaVersion", "1.00")
      .attr("NetworkType", request.internet ? "Internet" : "Intranet");
  out.leaf("ClientID", request.client_id);
  out.leaf("Size", std::to_string(request.bytes));
  return out.take();
}

std::string upload_path(std::string_view upload_id) { return "/CCM_Incoming/" + braced(upload_id); }

std::string encode_upload_reply(const UploadReply& reply) {
  XmlWriter out;
  out.open("UploadReply").attr("SchemaVersion", "1.00");
  out.leaf("UploadID", braced(reply.upload_id));
  out.leaf("Host", reply.host);
  out.leaf("Url", "http://<mp>" + upload_path(reply.upload_id));
  return out.take();
}

Result<UploadReply> decode_upload_reply(std::string_view document) {
  FP_TRY(xml, parse_xml_as("UploadReply", document, kSmall));
  FP_TRY(id, parse_guid(xml.root().text_of("UploadID")));
  return UploadReply{.upload_id = std::move(id), .host = xml.root().text_of("Host")};
}

Result<std::optional<UploadedBody>> decode_uploaded_body(std::string_view document) {
  // A report may be large: only a short document that starts like one is worth a parse.
  if (document.size() > kSmall.bytes_max || !icontains(document.substr(0, 256), "<UploadedBody"))
    return std::nullopt;
  FP_TRY(xml, parse_xml_as("UploadedBody", document, kSmall));
  FP_TRY(id, parse_guid(xml.root().attr("UploadID")));
  FP_TRY(hash, unhex(xml.root().attr("SHA256")));
  if (hash.size() != 32) return fail(Code::invalid, "SHA256 is not 64 hex digits");
  return UploadedBody{.upload_id = std::move(id), .sha256 = hex_lower(hash)};
}

std::string encode_uploaded_body(const UploadedBody& body) {
  XmlWriter out;
  out.open("UploadedBody").attr("UploadID", braced(body.upload_id)).attr("SHA256", body.sha256);
  return out.take();
}

}  // namespace fp::wire
