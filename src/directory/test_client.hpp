// A client of Windows logins for tests: GSSAPI's own initiator, by NTLM with a password.
#pragma once
#include <gssapi/gssapi.h>
#include <gssapi/gssapi_ext.h>
#include <gtest/gtest.h>

#include <string>

#include "wire/windows_login.hpp"

namespace fp::directory {

// A client that logs in by NTLM, raw or inside SPNEGO; `channel`: what it binds to.
class NtlmClient {
 public:
  NtlmClient(const std::string& user, std::string password, wire::LoginScheme scheme, std::string channel = {})
      : channel_(std::move(channel)), mechanism_(scheme == wire::LoginScheme::ntlm ? &ntlm_ : &spnego_) {
    OM_uint32 minor = 0;
    gss_buffer_desc text{user.size(), const_cast<char*>(user.data())};
    gss_buffer_desc secret{password.size(), password.data()};
    gss_name_t name = GSS_C_NO_NAME;
    EXPECT_EQ(gss_import_name(&minor, &text, GSS_C_NT_USER_NAME, &name), GSS_S_COMPLETE);
    gss_OID_set_desc wanted{1, &ntlm_};
    if (scheme == wire::LoginScheme::negotiate) wanted.elements = &spnego_;
    EXPECT_EQ(gss_acquire_cred_with_password(&minor, name, &secret, GSS_C_INDEFINITE, &wanted, GSS_C_INITIATE, &credential_, nullptr, nullptr),
              GSS_S_COMPLETE);
    (void)gss_release_name(&minor, &name);
  }
  ~NtlmClient() {
    OM_uint32 minor = 0;
    (void)gss_delete_sec_context(&minor, &context_, GSS_C_NO_BUFFER);
    (void)gss_release_cred(&minor, &credential_);
  }
  NtlmClient(const NtlmClient&) = delete;
  NtlmClient& operator=(const NtlmClient&) = delete;

  std::string next(const std::string& from_server) {
    OM_uint32 minor = 0;
    const std::string host = "HTTP@mp1.lab.test";
    gss_buffer_desc text{host.size(), const_cast<char*>(host.data())};
    gss_name_t target = GSS_C_NO_NAME;
    EXPECT_EQ(gss_import_name(&minor, &text, GSS_C_NT_HOSTBASED_SERVICE, &target), GSS_S_COMPLETE);
    gss_channel_bindings_struct bindings{};
    bindings.application_data = {channel_.size(), channel_.data()};
    gss_buffer_desc in{from_server.size(), const_cast<char*>(from_server.data())};
    gss_buffer_desc out{0, nullptr};
    const OM_uint32 major =
        gss_init_sec_context(&minor, credential_, &context_, target, mechanism_, 0, 0,
                             channel_.empty() ? GSS_C_NO_CHANNEL_BINDINGS : &bindings, &in, nullptr, &out, nullptr, nullptr);
    EXPECT_EQ(GSS_ERROR(major), 0U) << major << " " << minor;
    std::string token(static_cast<const char*>(out.value), out.length);
    (void)gss_release_buffer(&minor, &out);
    (void)gss_release_name(&minor, &target);
    return token;
  }

 private:
  gss_OID_desc ntlm_{10, const_cast<char*>("\x2b\x06\x01\x04\x01\x82\x37\x02\x02\x0a")};
  gss_OID_desc spnego_{6, const_cast<char*>("\x2b\x06\x01\x05\x05\x02")};
  std::string channel_;
  gss_OID mechanism_;
  gss_cred_id_t credential_ = GSS_C_NO_CREDENTIAL;
  gss_ctx_id_t context_ = GSS_C_NO_CONTEXT;
};

}  // namespace fp::directory
