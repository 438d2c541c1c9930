#include <unistd.h>

#include "roles/mp/test_site.hpp"

namespace fp::mp {
namespace {

class ClientFilesTest : public testing::Test {
 protected:
  ClientFilesTest() {
    EXPECT_TRUE(write_file(site.settings.client_files / "ccmsetup.exe", "0123456789"));
    EXPECT_TRUE(make_dirs(site.settings.client_files / "i386"));
    EXPECT_TRUE(write_file(site.settings.client_files / "i386" / "a b.cab", "cab"));
    EXPECT_TRUE(write_file(site.folder() / "secret", "secret"));
    EXPECT_EQ(::symlink("../secret", (site.settings.client_files / "link").c_str()), 0);
  }
  std::string text(const net::Response& response) {
    std::string out;
    for (const auto& segment : response.body)
      if (const auto* bytes = std::get_if<std::string>(&segment)) {
        out += *bytes;
      } else if (const auto* slice = std::get_if<net::FileSlice>(&segment)) {
        std::string read(static_cast<std::size_t>(slice->length), '\0');
        EXPECT_EQ(::pread(slice->file->get(), read.data(), read.size(), slice->offset), slice->length);
        out += read;
      }
    return out;
  }
  TestSite site;
  Peer http = site.peer(Door::intranet_http);
};

TEST_F(ClientFilesTest, AreServedWholeInPartAndByHead) {
  const auto whole = site.get("/CCM_Client/CCMSETUP.EXE", http);
  EXPECT_EQ(whole.status, 200);
  EXPECT_EQ(text(whole), "0123456789");
  const auto part = site.get("/ccm_client/ccmsetup.exe", http,
                             {{"Range", "bytes=2-4"}, {"If-Range", header_of(whole, "ETag")}});
  EXPECT_EQ(part.status, 206);
  EXPECT_EQ(text(part), "234");
  EXPECT_EQ(header_of(part, "Content-Range"), "bytes 2-4/10");
  const auto parts = site.get("/ccm_client/ccmsetup.exe", http, {{"Range", "bytes=7-8,0-1"}});
  EXPECT_EQ(parts.status, 206);
  EXPECT_TRUE(header_of(parts, "Content-Type").starts_with("multipart/byteranges; boundary=farpoint-"));
  const std::string both = text(parts);
  EXPECT_LT(both.find("bytes 7-8/10\r\n\r\n78\r\n"), both.find("bytes 0-1/10\r\n\r\n01\r\n")) << both;
  EXPECT_EQ(site.get("/ccm_client/ccmsetup.exe", http, {{"Range", "bytes=10-"}}).status, 416);
  EXPECT_EQ(site.get("/ccm_client/ccmsetup.exe", http, {}, "HEAD").head_length, 10);
  EXPECT_EQ(site.get("/ccm_client/ccmsetup.exe", http, {{"If-None-Match", header_of(whole, "ETag")}}).status,
            304);
}

TEST_F(ClientFilesTest, NothingOutsideTheFolderIsServed) {
  for (const char* path :
       {"/CCM_Client/../secret", "/CCM_Client/%2e%2e/secret", "/CCM_Client/link", "/CCM_Client/none",
        "/CCM_Client", "/CCM_Client/i386", "/CCM_Client/a%00b", "/CCM_Client/..%5csecret"})
    EXPECT_EQ(site.get(path, http).status, 404) << path;
}

TEST_F(ClientFilesTest, PropfindListsOneLevel) {
  const auto response = site.get("/CCM_Client/", http, {{"Depth", "1"}, {"Host", "mp1"}}, "PROPFIND");
  EXPECT_EQ(response.status, 207);
  EXPECT_NE(text_of(response).find("http://mp1/CCM_Client/ccmsetup.exe"), std::string::npos)
      << text_of(response);
  EXPECT_NE(text_of(response).find("http://mp1/CCM_Client/i386/"), std::string::npos);
  EXPECT_EQ(text_of(response).find("link"), std::string::npos);
  EXPECT_EQ(site.get("/CCM_Client/", http, {{"Depth", "infinity"}}, "PROPFIND").status, 403);
  EXPECT_NE(text_of(site.get("/CCM_Client/i386", http, {{"Host", "mp1"}}, "PROPFIND")).find("a%20b.cab"),
            std::string::npos);
}

TEST_F(ClientFilesTest, NeedACertificateOnHttps) {
  EXPECT_EQ(site.get("/CCM_Client/ccmsetup.exe", site.peer(Door::internet_https)).status, 403);
  EXPECT_EQ(site.get("/CCM_Client/ccmsetup.exe", site.peer(Door::internet_https, &Keys::shared().pki_client))
                .status,
            200);
}

}  // namespace
}  // namespace fp::mp
