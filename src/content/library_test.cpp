#include "content/library.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>
#include <thread>

#include "base/test_folder.hpp"
#include "base/text.hpp"
#include "crypto/hash.hpp"
#include "wire/manifest.hpp"

namespace fp::content {
namespace {

namespace fs = std::filesystem;

std::string hash_of(std::string_view bytes) { return hex_lower(crypto::sha256(bytes)); }

class LibraryTest : public ::testing::Test {
 protected:
  void SetUp() override {
    write("readme.txt", "0123456789abcdef");
    write("empty.bin", "");
    write("sub/Deep/large.bin", large_);
    write("sub/copy.txt", "0123456789abcdef");
    library_ = reopen("library");
  }
  void write(const std::string& path, std::string_view bytes) const {
    fs::create_directories((source_ / path).parent_path());
    ASSERT_TRUE(write_file(source_ / path, bytes));
  }
  [[nodiscard]] std::unique_ptr<Library> reopen(const std::string& name, std::int64_t reserve = 0) const {
    LibraryOptions options;
    options.folder = root_ / name;
    options.reserve_bytes = reserve;
    auto opened = Library::open(options);
    EXPECT_TRUE(opened) << opened.error().message;
    return opened ? std::move(*opened) : nullptr;
  }
  [[nodiscard]] fs::path lib_path(const std::string& bytes, const std::string& library = "library") const {
    const std::string name = upper(hash_of(bytes));
    return root_ / library / "FileLib" / name.substr(0, 4) / name;
  }
  [[nodiscard]] std::string chunk(const Manifest& m, const ChunkNeed& need) const {
    for (const auto& file : m.files)
      if (file.sha256 == need.sha256) {
        const auto bytes = read_file(source_ / file.path);
        return bytes->substr(static_cast<std::size_t>(need.index * m.chunk_bytes), static_cast<std::size_t>(m.chunk_bytes));
      }
    return {};
  }
  static std::string read_all(const OpenFile& file) {
    std::string out(static_cast<std::size_t>(file.size_bytes), '\0');
    EXPECT_EQ(::pread(file.file->get(), out.data(), out.size(), 0), file.size_bytes);
    return out;
  }
  // Damages a file of the library behind its back.
  static void damage(const fs::path& path) {
    ASSERT_EQ(::chmod(path.c_str(), 0644), 0);
    const int fd = ::open(path.c_str(), O_WRONLY);
    ASSERT_EQ(::pwrite(fd, "X", 1, 3), 1);
    ::close(fd);
  }

  std::string large_ = std::string(2'500'000, 'L') + "end";
  TestFolder folder_;
  const fs::path root_ = folder_.path(), source_ = root_ / "source";
  std::unique_ptr<Library> library_;
};

TEST_F(LibraryTest, AddedContentIsFoundListedAndRead) {
  const auto manifest = library_->add("LAB00002.1", source_);
  ASSERT_TRUE(manifest) << manifest.error().message;
  EXPECT_TRUE(wire::check_manifest(*manifest));
  const auto content = library_->find("LAB00002.1").value();
  const auto top = content->list("");
  ASSERT_EQ(top.size(), 3U);
  EXPECT_EQ(top[0].path, "sub");
  EXPECT_TRUE(top[0].folder());
  EXPECT_EQ(top[1].name(), "empty.bin");
  EXPECT_EQ(content->list("sub").size(), 2U);
  const auto node = content->find("sub/Deep/large.bin");
  ASSERT_TRUE(node);
  EXPECT_EQ(node->file->chunk_sha256.size(), 3U);
  EXPECT_EQ(read_all(library_->open_file(node->file->sha256).value()), large_);
  EXPECT_EQ(library_->find("LAB00002").value(), content);
  EXPECT_EQ(library_->find("LAB00003.1").error().code, Code::not_found);
}

TEST_F(LibraryTest, PathsAreFoundExactlyFirstAndThenWhateverTheirCase) {
  write("README.TXT", "other");
  ASSERT_TRUE(library_->add("LAB00002.1", source_));
  const auto content = library_->find("LAB00002.1").value();
  EXPECT_EQ(content->find("README.TXT")->file->size, 5);
  EXPECT_EQ(content->find("readme.txt")->file->size, 16);
  EXPECT_EQ(content->find("SUB/deep/LARGE.bin")->path, "sub/Deep/large.bin");
  EXPECT_TRUE(content->find("Sub/")->folder());
  EXPECT_FALSE(content->find("sub/none"));
  EXPECT_FALSE(content->find("../sub"));
}

TEST_F(LibraryTest, EqualFilesStandOnceAndReadOnly) {
  ASSERT_TRUE(library_->add("LAB00002.1", source_));
  ASSERT_TRUE(library_->add("LAB00003.1", source_));
  EXPECT_EQ(library_->hashes().size(), 3U);
  EXPECT_EQ(library_->users_of(hash_of("0123456789abcdef")), (std::vector<std::string>{"LAB00002.1", "LAB00003.1"}));
  struct stat st{};
  ASSERT_EQ(::stat(lib_path("0123456789abcdef").c_str(), &st), 0);
  EXPECT_EQ(st.st_mode & 07777, 0444U);
}

TEST_F(LibraryTest, AFileGoesWhenItsLastContentGoes) {
  ASSERT_TRUE(library_->add("LAB00002.1", source_));
  write("more.txt", "more");
  ASSERT_TRUE(library_->add("LAB00003.1", source_));
  ASSERT_TRUE(library_->remove("LAB00002.1"));
  EXPECT_TRUE(fs::exists(lib_path(large_)));
  ASSERT_TRUE(library_->remove("LAB00003.1"));
  EXPECT_FALSE(fs::exists(lib_path(large_)));
  EXPECT_FALSE(fs::exists(lib_path("more")));
  EXPECT_TRUE(library_->remove("LAB00003.1"));
  EXPECT_TRUE(library_->hashes().empty());
}

TEST_F(LibraryTest, AVersionNeverChanges) {
  const auto first = library_->add("LAB00002.1", source_);
  EXPECT_EQ(library_->add("LAB00002.1", source_)->root_hash, first->root_hash);
  write("more.txt", "more");
  EXPECT_EQ(library_->add("LAB00002.1", source_).error().code, Code::conflict);
  EXPECT_FALSE(fs::exists(lib_path("more")));
}

TEST_F(LibraryTest, LinksAndPipesAreRefusedByName) {
  fs::create_symlink("/etc/passwd", source_ / "link");
  ASSERT_EQ(::mkfifo((source_ / "pipe").c_str(), 0600), 0);
  const auto refused = library_->add("LAB00002.1", source_);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Code::invalid);
  EXPECT_NE(refused.error().message.find("link (symbolic link)"), std::string::npos);
  EXPECT_NE(refused.error().message.find("pipe (no regular file)"), std::string::npos);
  EXPECT_TRUE(library_->contents().empty());
}

TEST_F(LibraryTest, AFileThatChangesWhileItIsReadIsNoticed) {
  bool changed = false;
  const auto added = library_->add("LAB00002.1", source_, [&](const Progress& p) {
    if (!changed && p.bytes_done > 1'000'000) {
      std::ofstream(source_ / "sub/Deep/large.bin", std::ios::app) << "grown";
      changed = true;
    }
    return true;
  });
  ASSERT_FALSE(added);
  EXPECT_EQ(added.error().code, Code::conflict);
  EXPECT_NE(added.error().message.find("large.bin changed"), std::string::npos);
  EXPECT_TRUE(library_->contents().empty());
  EXPECT_TRUE(fs::is_empty(root_ / "library/staging"));
}

TEST_F(LibraryTest, AddingCanBeStoppedAndLeavesNothing) {
  EXPECT_EQ(library_->add("LAB00002.1", source_, [](const Progress&) { return false; }).error().code, Code::conflict);
  EXPECT_TRUE(library_->contents().empty());
  EXPECT_TRUE(library_->hashes().empty());
}

TEST_F(LibraryTest, NoRoomIsSaidBeforeAnythingIsWritten) {
  auto full = reopen("full", std::int64_t{1} << 60);
  const auto added = full->add("LAB00002.1", source_);
  ASSERT_FALSE(added);
  EXPECT_NE(added.error().message.find("no room in the content library"), std::string::npos);
  const Manifest manifest = library_->add("LAB00002.1", source_).value();
  EXPECT_EQ(full->begin(manifest).error().code, Code::io);
}

TEST_F(LibraryTest, EverythingIsThereAfterARestart) {
  const auto manifest = library_->add("LAB00002.1", source_);
  library_ = reopen("library");
  EXPECT_EQ(library_->find("LAB00002.1").value()->manifest().root_hash, manifest->root_hash);
  EXPECT_TRUE(library_->validate()->empty());
}

TEST_F(LibraryTest, FilesOfAnAddThatWasCutOffAreClearedAtTheNextStart) {
  ASSERT_TRUE(library_->add("LAB00002.1", source_));
  fs::remove(root_ / "library/DataLib/LAB00002.1.manifest");  // as if the commit had never come
  library_ = reopen("library");
  EXPECT_TRUE(library_->contents().empty());
  EXPECT_FALSE(fs::exists(lib_path(large_)));
}

TEST_F(LibraryTest, ChunksInAnyOrderMakeTheSameContent) {
  const Manifest manifest = library_->add("LAB00002.1", source_).value();
  auto other = reopen("other");
  ASSERT_TRUE(other->begin(manifest));
  auto needs = other->missing_chunks("LAB00002.1").value();
  EXPECT_EQ(needs.size(), 4U);
  EXPECT_EQ(other->commit("LAB00002.1").error().code, Code::conflict);
  for (auto need = needs.rbegin(); need != needs.rend(); ++need)
    ASSERT_TRUE(other->put_chunk("LAB00002.1", need->sha256, need->index, chunk(manifest, *need)));
  EXPECT_EQ(other->find("LAB00002.1").error().code, Code::not_found);
  EXPECT_EQ(other->received("LAB00002.1")->bytes_done, other->received("LAB00002.1")->bytes_total);
  ASSERT_TRUE(other->commit("LAB00002.1"));
  EXPECT_TRUE(other->validate()->empty());
  EXPECT_EQ(other->find("LAB00002.1").value()->manifest().root_hash, manifest.root_hash);
  EXPECT_TRUE(fs::is_empty(root_ / "other/incoming"));
  EXPECT_TRUE(other->commit("LAB00002.1"));
}

TEST_F(LibraryTest, AReceptionGoesOnAfterARestartWithoutTheChunksItHas) {
  const Manifest manifest = library_->add("LAB00002.1", source_).value();
  auto other = reopen("other");
  ASSERT_TRUE(other->begin(manifest));
  const std::string large_hash = hash_of(large_);
  ASSERT_TRUE(other->put_chunk("LAB00002.1", large_hash, 1, large_.substr(1 << 20, 1 << 20)));
  other = reopen("other");
  auto needs = other->missing_chunks("LAB00002.1").value();
  EXPECT_EQ(needs.size(), 3U);
  EXPECT_EQ(other->received("LAB00002.1")->bytes_done, 1 << 20);
  for (const auto& need : needs) {
    EXPECT_FALSE(need.sha256 == large_hash && need.index == 1);
    ASSERT_TRUE(other->put_chunk("LAB00002.1", need.sha256, need.index, chunk(manifest, need)));
  }
  ASSERT_TRUE(other->commit("LAB00002.1"));
  EXPECT_TRUE(other->validate()->empty());
}

TEST_F(LibraryTest, AChunkThatALostWriteTookAwayIsWantedAgain) {
  const Manifest manifest = library_->add("LAB00002.1", source_).value();
  auto other = reopen("other");
  ASSERT_TRUE(other->begin(manifest));
  const std::string hash = hash_of(large_);
  ASSERT_TRUE(other->put_chunk("LAB00002.1", hash, 0, large_.substr(0, 1 << 20)));
  damage(root_ / "other/incoming/LAB00002.1" / (upper(hash) + ".part"));
  other = reopen("other");
  EXPECT_EQ(other->missing_chunks("LAB00002.1")->size(), 4U);
}

TEST_F(LibraryTest, WrongBytesNeverEnter) {
  const Manifest manifest = library_->add("LAB00002.1", source_).value();
  auto other = reopen("other");
  ASSERT_TRUE(other->begin(manifest));
  const std::string hash = hash_of(large_);
  EXPECT_EQ(other->put_chunk("LAB00002.1", hash, 0, std::string(1 << 20, 'M')).error().code, Code::corrupt);
  EXPECT_EQ(other->put_chunk("LAB00002.1", hash, 0, "short").error().code, Code::corrupt);
  EXPECT_EQ(other->put_chunk("LAB00002.1", hash, 3, "").error().code, Code::not_found);
  EXPECT_EQ(other->put_chunk("LAB00002.1", hash, -1, "").error().code, Code::not_found);
  EXPECT_EQ(other->put_chunk("LAB00002.1", hash_of("none"), 0, "none").error().code, Code::not_found);
  EXPECT_EQ(other->put_chunk("LAB00009.1", hash, 0, "x").error().code, Code::not_found);
  EXPECT_EQ(other->missing_chunks("LAB00002.1")->size(), 4U);
}

TEST_F(LibraryTest, AManifestThatLiesAboutAWholeFileIsRefusedAtCommit) {
  Manifest manifest = library_->add("LAB00002.1", source_).value();
  for (auto& file : manifest.files)
    if (file.size > 1 << 20) file.sha256 = hash_of("something else");
  manifest.root_hash = wire::manifest_root_hash(manifest);
  auto other = reopen("other");
  ASSERT_TRUE(other->begin(manifest));
  const auto needs = other->missing_chunks("LAB00002.1").value();
  for (const auto& need : needs)
    ASSERT_TRUE(other->put_chunk("LAB00002.1", need.sha256, need.index, chunk(manifest, need)));
  EXPECT_EQ(other->commit("LAB00002.1").error().code, Code::corrupt);
  EXPECT_TRUE(other->contents().empty());
}

TEST_F(LibraryTest, OnlyFilesThatAreNewAreWanted) {
  ASSERT_TRUE(library_->add("LAB00002.1", source_));
  auto other = reopen("other");
  ASSERT_TRUE(other->add("LAB00002.1", source_));
  write("new.txt", "new");
  const Manifest second = library_->add("LAB00002.2", source_).value();
  ASSERT_TRUE(other->begin(second));
  ASSERT_EQ(other->missing_chunks("LAB00002.2")->size(), 1U);
  ASSERT_TRUE(other->remove("LAB00002.1"));  // its files are relied on by now
  ASSERT_TRUE(other->put_chunk("LAB00002.2", hash_of("new"), 0, "new"));
  ASSERT_TRUE(other->commit("LAB00002.2"));
  EXPECT_TRUE(other->validate()->empty());
  EXPECT_TRUE(fs::exists(lib_path(large_, "other")));
}

TEST_F(LibraryTest, ACorruptFileIsFoundNamedNeverServedAndRepaired) {
  const Manifest manifest = library_->add("LAB00002.1", source_).value();
  damage(lib_path(large_));
  const auto findings = library_->validate("LAB00002.1");
  ASSERT_TRUE(findings);
  ASSERT_EQ(findings->size(), 1U);
  EXPECT_EQ((*findings)[0].path, "sub/Deep/large.bin");
  EXPECT_EQ((*findings)[0].problem, Problem::wrong_hash);
  EXPECT_EQ(library_->open_file(hash_of(large_)).error().code, Code::corrupt);
  EXPECT_TRUE(fs::exists(root_ / "library/quarantine" / upper(hash_of(large_))));
  library_ = reopen("library");
  EXPECT_EQ(library_->known_bad("LAB00002.1").size(), 1U);
  EXPECT_EQ(library_->missing_chunks("LAB00002.1").error().code, Code::conflict);

  ASSERT_TRUE(library_->begin(manifest));
  const auto needs = library_->missing_chunks("LAB00002.1").value();
  EXPECT_EQ(needs.size(), 3U);
  for (const auto& need : needs)
    ASSERT_TRUE(library_->put_chunk("LAB00002.1", need.sha256, need.index, chunk(manifest, need)));
  ASSERT_TRUE(library_->commit("LAB00002.1"));
  EXPECT_EQ(read_all(library_->open_file(hash_of(large_)).value()), large_);
  EXPECT_TRUE(library_->validate()->empty());
}

TEST_F(LibraryTest, ALostFileIsNamedAtStartAndRestoredFromItsSource) {
  ASSERT_TRUE(library_->add("LAB00002.1", source_));
  ASSERT_TRUE(library_->add("LAB00003.1", source_));
  fs::remove(lib_path("0123456789abcdef"));
  library_ = reopen("library");
  EXPECT_EQ(library_->known_bad("LAB00002.1").size(), 2U);
  EXPECT_EQ(library_->validate("LAB00002.1")->size(), 4U);  // of both contents
  EXPECT_EQ(library_->restore("LAB00002.1", source_).value(), 1);
  EXPECT_TRUE(library_->known_bad("LAB00003.1").empty());
  EXPECT_TRUE(library_->validate()->empty());
}

TEST_F(LibraryTest, ADamagedManifestIsSetAsideAndTheOthersLoad) {
  ASSERT_TRUE(library_->add("LAB00002.1", source_));
  ASSERT_TRUE(library_->add("LAB00003.1", source_));
  damage(root_ / "library/DataLib/LAB00002.1.manifest");
  library_ = reopen("library");
  EXPECT_EQ(library_->contents(), std::vector<std::string>{"LAB00003.1"});
  EXPECT_TRUE(fs::exists(root_ / "library/quarantine/LAB00002.1.manifest"));
}

TEST_F(LibraryTest, AnEmptyFolderIsContentToo) {
  fs::create_directories(root_ / "nothing");
  EXPECT_EQ(library_->add("LAB00004.1", root_ / "nothing")->files.size(), 0U);
  EXPECT_TRUE(library_->find("LAB00004.1").value()->find("")->folder());
}

TEST_F(LibraryTest, ReadersWritersAndRemoversGoOnSideBySide) {
  ASSERT_TRUE(library_->add("LAB00002.1", source_));
  const std::string hash = hash_of(large_);
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&, t] {
      const std::string id = fmt::format("LAB0001{}.1", t);
      for (int round = 0; round < 5; ++round) {
        EXPECT_TRUE(library_->add(id, source_));
        EXPECT_TRUE(library_->open_file(hash));
        EXPECT_TRUE(library_->remove(id));
      }
    });
  for (auto& thread : threads) thread.join();
  EXPECT_TRUE(library_->validate()->empty());
  EXPECT_EQ(library_->contents(), std::vector<std::string>{"LAB00002.1"});
}

}  // namespace
}  // namespace fp::content
