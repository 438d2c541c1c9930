// The upload messages of our own (docs/protocol/uploads.md): a client asks where to send a large body, sends
// it by BITS_POST, and then sends a signed message that names the upload and its hash in place of the body.
// Both directions. Any thread; pure.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.hpp"

namespace fp::wire {

struct UploadRequest {
  std::string client_id;   // must be the verified SourceID
  bool internet = false;   // NetworkType
  std::int64_t bytes = 0;  // of the file; 0: not known yet
};
[[nodiscard]] Result<UploadRequest> decode_upload_request(std::string_view document);
[[nodiscard]] std::string encode_upload_request(const UploadRequest& request);

struct UploadReply {
  std::string upload_id;  // GUID, no braces, upper case
  std::string host;       // of the management point that answered: uploads are not shared between them
};
[[nodiscard]] std::string encode_upload_reply(
    const UploadReply& reply);  // with Url http://<mp>/CCM_Incoming/{id}
[[nodiscard]] Result<UploadReply> decode_upload_reply(std::string_view document);
[[nodiscard]] std::string upload_path(std::string_view upload_id);  // /CCM_Incoming/{ID}

struct UploadedBody {
  std::string upload_id;
  std::string sha256;  // lower-case hex of the uploaded bytes (a zlib stream of the documents)
};
// Nothing if the document is something else. Code::invalid: it is one, and malformed.
[[nodiscard]] Result<std::optional<UploadedBody>> decode_uploaded_body(std::string_view document);
[[nodiscard]] std::string encode_uploaded_body(const UploadedBody& body);

}  // namespace fp::wire
