// A file system for RocksDB whose power can fail. `lib.rs` says what it promises.
//
// All goes to the machine's file system at once, so that reads need nothing special, and beside that
// it notes what no sync has made durable yet: what was in a file before each change, and how to take
// back each change of a directory. When the power comes back, a seed decides how much of that had
// reached the disk, and the rest is taken back.

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "rocksdb/env.h"
#include "rocksdb/file_system.h"
#include "rocksdb/system_clock.h"

// What the C interface of RocksDB calls an Env (db/c.cc).
struct rocksdb_env_t {
  rocksdb::Env* rep;
  bool is_default;
};

// `Counts` of lib.rs.
struct cairn_disk_counts_t {
  uint64_t operations;
  uint64_t logs_reused;
  uint64_t links;
  uint64_t files_cut;
  uint64_t entries_undone;
};

namespace {

using namespace rocksdb;

constexpr uint64_t kNever = UINT64_MAX;
// What a disk writes as a whole or not at all.
constexpr uint64_t kPageBytes = 4096;
// A background job of RocksDB that has failed sleeps, and holds up whoever closes the store.
constexpr int kMaxSleepWithoutPowerUs = 1000;

// A write, or a cut, which writes nothing.
struct Change {
  // The number of the operation.
  uint64_t when;
  uint64_t offset;
  uint64_t bytes;
  // What was there, as far as the file went.
  std::string before;
  uint64_t file_bytes_before;
};

// A file, whatever its names are.
struct File {
  // Since the last sync, the oldest first.
  std::vector<Change> changes;
};

using FilePtr = std::shared_ptr<File>;

// A change of a directory that is not durable yet.
struct Entry {
  std::string dir;
  std::function<void()> undo;
  // Name of what it removed, if that is kept.
  std::string removed;
};

IOStatus NoPower() { return IOStatus::IOError("the power is off"); }

std::string DirOf(const std::string& path) {
  size_t end = path.find_last_of('/');
  return end == std::string::npos ? std::string() : path.substr(0, end);
}

std::string WithoutSlash(std::string path) {
  while (path.size() > 1 && path.back() == '/') path.pop_back();
  return path;
}

bool IsLog(const std::string& path) {
  return path.size() > 4 && path.compare(path.size() - 4, 4, ".log") == 0;
}

uint64_t BytesOf(int fd) {
  struct stat found;
  return fd >= 0 && fstat(fd, &found) == 0 ? found.st_size : 0;
}

std::string ReadAt(int fd, uint64_t offset, uint64_t bytes) {
  std::string out(bytes, '\0');
  uint64_t done = 0;
  while (done < bytes) {
    ssize_t count = pread(fd, &out[done], bytes - done, offset + done);
    if (count <= 0) break;
    done += count;
  }
  out.resize(done);
  return out;
}

bool Overwrite(int fd, const std::string& content) {
  uint64_t done = 0;
  while (done < content.size()) {
    ssize_t count = pwrite(fd, &content[done], content.size() - done, done);
    if (count <= 0) return false;
    done += count;
  }
  return ftruncate(fd, content.size()) == 0;
}

// Takes back all of a change but its first `kept` bytes.
void Undo(std::string& content, const Change& change, uint64_t kept) {
  content.resize(std::max(change.file_bytes_before, change.offset + kept));
  if (change.before.size() > kept) {
    uint64_t rest = change.before.size() - kept;
    content.replace(change.offset + kept, rest, change.before, kept, rest);
  }
}

class Disk : public FileSystemWrapper {
 public:
  explicit Disk(std::string attic)
      : FileSystemWrapper(FileSystem::Default()), attic_(std::move(attic)) {}

  const char* Name() const override { return "Disk"; }

  void CutAfter(uint64_t operations) {
    std::lock_guard<std::mutex> lock(mutex_);
    cut_at_ = counts_.operations + operations;
    off_ = off_ || operations == 0;
  }

  void CutBehindLog(uint64_t logs, uint64_t operations) {
    std::lock_guard<std::mutex> lock(mutex_);
    logs_until_cut_ = logs;
    cut_behind_log_ = operations;
  }

  bool IsOff() {
    std::lock_guard<std::mutex> lock(mutex_);
    return off_;
  }

  void LieAboutLogs() {
    std::lock_guard<std::mutex> lock(mutex_);
    lies_ = true;
  }

  cairn_disk_counts_t Count() {
    std::lock_guard<std::mutex> lock(mutex_);
    return counts_;
  }

  bool Restore(uint64_t seed);

  IOStatus NewWritableFile(const std::string& path, const FileOptions& options,
                           std::unique_ptr<FSWritableFile>* result,
                           IODebugContext* debug) override;
  IOStatus ReopenWritableFile(const std::string& path, const FileOptions& options,
                              std::unique_ptr<FSWritableFile>* result,
                              IODebugContext* debug) override;
  IOStatus ReuseWritableFile(const std::string& path, const std::string& old,
                             const FileOptions& options,
                             std::unique_ptr<FSWritableFile>* result,
                             IODebugContext* debug) override;
  IOStatus NewDirectory(const std::string& path, const IOOptions& options,
                        std::unique_ptr<FSDirectory>* result, IODebugContext* debug) override;
  IOStatus DeleteFile(const std::string& path, const IOOptions& options,
                      IODebugContext* debug) override;
  IOStatus RenameFile(const std::string& from, const std::string& to, const IOOptions& options,
                      IODebugContext* debug) override;
  IOStatus LinkFile(const std::string& from, const std::string& to, const IOOptions& options,
                    IODebugContext* debug) override;
  IOStatus SyncFile(const std::string& path, const FileOptions& file_options,
                    const IOOptions& options, bool use_fsync, IODebugContext* debug) override;

  // What RocksDB does not do to its files here. Should it begin to, this must learn it.
  IOStatus NewRandomRWFile(const std::string& path, const FileOptions&,
                           std::unique_ptr<FSRandomRWFile>*, IODebugContext*) override {
    return IOStatus::NotSupported("writing anywhere in a file", path);
  }
  IOStatus Truncate(const std::string& path, size_t, const IOOptions&, IODebugContext*) override {
    return IOStatus::NotSupported("cutting a file by its name", path);
  }

 private:
  friend class DiskFile;
  friend class DiskDirectory;

  // The following are called under the lock.

  // Counts an operation; false if there is no power for it. Of the last one before the power is off
  // any part may be done, and it fails.
  bool Begin() {
    if (off_) return false;
    counts_.operations++;
    off_ = counts_.operations >= cut_at_;
    return true;
  }

  IOStatus End(IOStatus status) { return off_ ? NoPower() : status; }

  bool Exists(const std::string& path) { return access(path.c_str(), F_OK) == 0; }

  FilePtr Find(const std::string& path) {
    FilePtr& file = files_[path];
    if (!file) file = std::make_shared<File>();
    return file;
  }

  void Rename(const std::string& from, const std::string& to) {
    FilePtr file = Find(from);
    files_.erase(from);
    if (rename(from.c_str(), to.c_str()) == 0) files_[to] = file;
  }

  void Remove(const std::string& path) {
    unlink(path.c_str());
    files_.erase(path);
  }

  // A name for what is removed until that is durable.
  std::string InAttic() {
    std::string path = attic_ + "/" + std::to_string(next_in_attic_++);
    // Of a disk before this one.
    unlink(path.c_str());
    return path;
  }

  void NoteLog(const std::string& path) {
    if (!IsLog(path) || logs_until_cut_ == kNever) return;
    if (logs_until_cut_ == 0) {
      cut_at_ = std::min(cut_at_, counts_.operations + cut_behind_log_);
      logs_until_cut_ = kNever;
      return;
    }
    logs_until_cut_--;
  }

  void SyncDir(const std::string& dir) {
    auto is_of_dir = [&](const Entry& entry) { return entry.dir == dir; };
    for (const Entry& entry : entries_) {
      if (is_of_dir(entry) && !entry.removed.empty()) Remove(entry.removed);
    }
    entries_.erase(std::remove_if(entries_.begin(), entries_.end(), is_of_dir), entries_.end());
  }

  bool RestoreFile(const std::string& path, const File& file, uint64_t until, std::mt19937_64& random);

  const std::string attic_;
  std::mutex mutex_;
  cairn_disk_counts_t counts_ = {};
  bool off_ = false;
  bool lies_ = false;
  // The number of the operation in which the power fails.
  uint64_t cut_at_ = kNever;
  // How many logs are begun before the one that it fails behind, and how far behind.
  uint64_t logs_until_cut_ = kNever;
  uint64_t cut_behind_log_ = 0;
  uint64_t next_in_attic_ = 0;
  std::map<std::string, FilePtr> files_;
  // In the order of their doing.
  std::vector<Entry> entries_;
};

class DiskFile : public FSWritableFileOwnerWrapper {
 public:
  DiskFile(std::unique_ptr<FSWritableFile>&& target, Disk* disk, const std::string& path,
           FilePtr file, bool at_end)
      : FSWritableFileOwnerWrapper(std::move(target)),
        disk_(disk),
        file_(std::move(file)),
        is_log_(IsLog(path)),
        fd_(open(path.c_str(), O_RDONLY | O_CLOEXEC)),
        at_(at_end ? BytesOf(fd_) : 0) {}

  ~DiskFile() override {
    if (fd_ >= 0) close(fd_);
  }

  IOStatus Append(const Slice& data, const IOOptions& options, IODebugContext* debug) override {
    std::lock_guard<std::mutex> lock(disk_->mutex_);
    if (!disk_->Begin()) return NoPower();
    std::string before = ReadAt(fd_, at_, data.size());
    uint64_t when = disk_->counts_.operations;
    file_->changes.push_back({when, at_, data.size(), std::move(before), BytesOf(fd_)});
    at_ += data.size();
    return disk_->End(target()->Append(data, options, debug));
  }

  IOStatus Append(const Slice& data, const IOOptions& options, const DataVerificationInfo&,
                  IODebugContext* debug) override {
    return Append(data, options, debug);
  }

  IOStatus PositionedAppend(const Slice&, uint64_t, const IOOptions&, IODebugContext*) override {
    return IOStatus::NotSupported("direct writes");
  }

  IOStatus PositionedAppend(const Slice&, uint64_t, const IOOptions&, const DataVerificationInfo&,
                            IODebugContext*) override {
    return IOStatus::NotSupported("direct writes");
  }

  IOStatus Truncate(uint64_t bytes, const IOOptions& options, IODebugContext* debug) override {
    std::lock_guard<std::mutex> lock(disk_->mutex_);
    if (!disk_->Begin()) return NoPower();
    return disk_->End(Cut(bytes, [&] { return target()->Truncate(bytes, options, debug); }));
  }

  // This cuts off what was there before or reserved and is not used.
  IOStatus Close(const IOOptions& options, IODebugContext* debug) override {
    std::lock_guard<std::mutex> lock(disk_->mutex_);
    return disk_->End(Cut(at_, [&] { return target()->Close(options, debug); }));
  }

  IOStatus Sync(const IOOptions&, IODebugContext*) override { return MakeDurable(); }
  IOStatus Fsync(const IOOptions&, IODebugContext*) override { return MakeDurable(); }

  // A hint that promises nothing.
  IOStatus RangeSync(uint64_t, uint64_t, const IOOptions&, IODebugContext*) override {
    return IOStatus::OK();
  }

 private:
  template <typename Act>
  IOStatus Cut(uint64_t bytes, Act act) {
    uint64_t bytes_before = BytesOf(fd_);
    std::string tail;
    if (bytes_before > bytes) tail = ReadAt(fd_, bytes, bytes_before - bytes);
    IOStatus status = act();
    if (BytesOf(fd_) < bytes_before) {
      file_->changes.push_back({disk_->counts_.operations, bytes, 0, std::move(tail), bytes_before});
    }
    return status;
  }

  IOStatus MakeDurable() {
    std::lock_guard<std::mutex> lock(disk_->mutex_);
    if (!disk_->Begin() || disk_->off_) return NoPower();
    if (!disk_->lies_ || !is_log_) file_->changes.clear();
    return IOStatus::OK();
  }

  Disk* const disk_;
  const FilePtr file_;
  const bool is_log_;
  // For what is to be written over.
  const int fd_;
  uint64_t at_;
};

class DiskDirectory : public FSDirectoryWrapper {
 public:
  DiskDirectory(std::unique_ptr<FSDirectory>&& target, Disk* disk, std::string path)
      : FSDirectoryWrapper(std::move(target)), disk_(disk), path_(std::move(path)) {}

  IOStatus Fsync(const IOOptions&, IODebugContext*) override { return MakeDurable(); }

  IOStatus FsyncWithDirOptions(const IOOptions&, IODebugContext*, const DirFsyncOptions&) override {
    return MakeDurable();
  }

 private:
  IOStatus MakeDurable() {
    std::lock_guard<std::mutex> lock(disk_->mutex_);
    if (!disk_->Begin() || disk_->off_) return NoPower();
    disk_->SyncDir(path_);
    return IOStatus::OK();
  }

  Disk* const disk_;
  const std::string path_;
};

IOStatus Disk::NewDirectory(const std::string& path, const IOOptions& options,
                            std::unique_ptr<FSDirectory>* result, IODebugContext* debug) {
  std::unique_ptr<FSDirectory> inner;
  IOStatus status = target()->NewDirectory(path, options, &inner, debug);
  if (status.ok()) result->reset(new DiskDirectory(std::move(inner), this, WithoutSlash(path)));
  return status;
}

IOStatus Disk::NewWritableFile(const std::string& path, const FileOptions& options,
                               std::unique_ptr<FSWritableFile>* result, IODebugContext* debug) {
  std::lock_guard<std::mutex> lock(mutex_);
  if (!Begin()) return NoPower();
  // An old file of that name is not cut but put away, so that it can come back.
  std::string removed;
  if (Exists(path)) Rename(path, removed = InAttic());
  std::unique_ptr<FSWritableFile> inner;
  IOStatus status = target()->NewWritableFile(path, options, &inner, debug);
  auto undo = [this, path, removed] {
    Remove(path);
    if (!removed.empty()) Rename(removed, path);
  };
  entries_.push_back({DirOf(path), undo, removed});
  if (!status.ok()) return status;
  NoteLog(path);
  result->reset(new DiskFile(std::move(inner), this, path, Find(path), false));
  return End(status);
}

IOStatus Disk::ReopenWritableFile(const std::string& path, const FileOptions& options,
                                  std::unique_ptr<FSWritableFile>* result, IODebugContext* debug) {
  std::lock_guard<std::mutex> lock(mutex_);
  if (!Begin()) return NoPower();
  bool existed = Exists(path);
  std::unique_ptr<FSWritableFile> inner;
  IOStatus status = target()->ReopenWritableFile(path, options, &inner, debug);
  if (!status.ok()) return status;
  if (!existed) entries_.push_back({DirOf(path), [this, path] { Remove(path); }, ""});
  result->reset(new DiskFile(std::move(inner), this, path, Find(path), true));
  return End(status);
}

IOStatus Disk::ReuseWritableFile(const std::string& path, const std::string& old,
                                 const FileOptions& options,
                                 std::unique_ptr<FSWritableFile>* result, IODebugContext* debug) {
  std::lock_guard<std::mutex> lock(mutex_);
  if (!Begin()) return NoPower();
  std::unique_ptr<FSWritableFile> inner;
  IOStatus status = target()->ReuseWritableFile(path, old, options, &inner, debug);
  if (!status.ok()) return status;
  FilePtr file = Find(old);
  files_.erase(old);
  files_[path] = file;
  entries_.push_back({DirOf(path), [this, path, old] { Rename(path, old); }, ""});
  counts_.logs_reused++;
  NoteLog(path);
  result->reset(new DiskFile(std::move(inner), this, path, file, false));
  return End(status);
}

IOStatus Disk::DeleteFile(const std::string& path, const IOOptions&, IODebugContext*) {
  std::lock_guard<std::mutex> lock(mutex_);
  if (!Begin()) return NoPower();
  if (!Exists(path)) return IOStatus::PathNotFound("deleting", path);
  std::string removed = InAttic();
  Rename(path, removed);
  entries_.push_back({DirOf(path), [this, path, removed] { Rename(removed, path); }, removed});
  return End(IOStatus::OK());
}

IOStatus Disk::RenameFile(const std::string& from, const std::string& to, const IOOptions& options,
                          IODebugContext* debug) {
  std::lock_guard<std::mutex> lock(mutex_);
  if (!Begin()) return NoPower();
  std::string removed;
  if (Exists(to)) {
    removed = InAttic();
    if (link(to.c_str(), removed.c_str()) != 0) return IOStatus::IOError("linking", to);
    files_[removed] = Find(to);
  }
  IOStatus status = target()->RenameFile(from, to, options, debug);
  if (!status.ok()) return status;
  files_[to] = Find(from);
  files_.erase(from);
  auto undo = [this, from, to, removed] {
    Rename(to, from);
    if (!removed.empty()) Rename(removed, to);
  };
  entries_.push_back({DirOf(to), undo, removed});
  return End(status);
}

IOStatus Disk::LinkFile(const std::string& from, const std::string& to, const IOOptions& options,
                        IODebugContext* debug) {
  std::lock_guard<std::mutex> lock(mutex_);
  if (!Begin()) return NoPower();
  IOStatus status = target()->LinkFile(from, to, options, debug);
  if (!status.ok()) return status;
  files_[to] = Find(from);
  entries_.push_back({DirOf(to), [this, to] { Remove(to); }, ""});
  counts_.links++;
  return End(status);
}

IOStatus Disk::SyncFile(const std::string& path, const FileOptions&, const IOOptions&, bool,
                        IODebugContext*) {
  std::lock_guard<std::mutex> lock(mutex_);
  if (!Begin() || off_) return NoPower();
  Find(path)->changes.clear();
  return IOStatus::OK();
}

// Leaves in a file what had reached the disk, if `until` is the first operation that had not done so
// as a whole. True if something is missing.
bool Disk::RestoreFile(const std::string& path, const File& file, uint64_t until,
                       std::mt19937_64& random) {
  int fd = open(path.c_str(), O_RDWR | O_CLOEXEC);
  if (fd < 0) return false;
  const std::string written = ReadAt(fd, 0, BytesOf(fd));
  std::string durable = written;
  std::string reached = written;
  for (auto change = file.changes.rbegin(); change != file.changes.rend(); ++change) {
    Undo(durable, *change, 0);
    if (change->when > until) Undo(reached, *change, 0);
    if (change->when == until) Undo(reached, *change, random() % (change->bytes + 1));
  }
  // What is written over is written in any order.
  if (random() % 2 == 0) {
    uint64_t end = std::min(durable.size(), reached.size());
    for (uint64_t at = 0; at < end; at += kPageBytes) {
      uint64_t bytes = std::min(kPageBytes, end - at);
      if (random() % 2 == 0) reached.replace(at, bytes, durable, at, bytes);
    }
  }
  bool cut = reached != written;
  if (cut && !Overwrite(fd, reached)) abort();
  close(fd);
  return cut;
}

bool Disk::Restore(uint64_t seed) {
  std::lock_guard<std::mutex> lock(mutex_);
  std::mt19937_64 random(seed);
  // A journal keeps the changes of directories in their order.
  uint64_t kept = 0;
  switch (random() % 3) {
    case 0: break;
    case 1: kept = entries_.size(); break;
    default: kept = random() % (entries_.size() + 1);
  }
  counts_.entries_undone = entries_.size() - kept;
  for (; entries_.size() > kept; entries_.pop_back()) entries_.back().undo();
  for (const Entry& entry : entries_) {
    if (!entry.removed.empty()) Remove(entry.removed);
  }
  // One name of each changed file, in an order that the seed alone decides.
  std::vector<std::pair<std::string, FilePtr>> changed;
  std::vector<uint64_t> of_logs;
  for (const auto& [path, file] : files_) {
    auto is_same = [&](const auto& other) { return other.second == file; };
    if (file->changes.empty() || std::any_of(changed.begin(), changed.end(), is_same)) continue;
    changed.emplace_back(path, file);
    if (!IsLog(path)) continue;
    for (const Change& change : file->changes) of_logs.push_back(change.when);
  }
  std::sort(of_logs.begin(), of_logs.end());
  auto moment = [&](const std::vector<uint64_t>& whens) -> uint64_t {
    switch (random() % 3) {
      case 0: return 0;
      case 1: return kNever;
      default: return whens.empty() ? 0 : whens[random() % whens.size()];
    }
  };
  uint64_t until_of_logs = moment(of_logs);
  counts_.files_cut = 0;
  for (const auto& [path, file] : changed) {
    std::vector<uint64_t> whens;
    for (const Change& change : file->changes) whens.push_back(change.when);
    uint64_t until = IsLog(path) ? until_of_logs : moment(whens);
    if (RestoreFile(path, *file, until, random)) counts_.files_cut++;
  }
  files_.clear();
  entries_.clear();
  off_ = false;
  cut_at_ = logs_until_cut_ = kNever;
  return counts_.files_cut > 0 || counts_.entries_undone > 0;
}

class Clock : public SystemClockWrapper {
 public:
  explicit Clock(std::shared_ptr<Disk> disk)
      : SystemClockWrapper(SystemClock::Default()), disk_(std::move(disk)) {}

  const char* Name() const override { return "ClockOfDisk"; }

  void SleepForMicroseconds(int us) override {
    if (disk_->IsOff()) us = std::min(us, kMaxSleepWithoutPowerUs);
    SystemClockWrapper::SleepForMicroseconds(us);
  }

 private:
  const std::shared_ptr<Disk> disk_;
};

class DiskEnv : public EnvWrapper {
 public:
  explicit DiskEnv(const std::shared_ptr<Disk>& disk) : EnvWrapper(NewCompositeEnv(disk)) {
    file_system_ = disk;
    system_clock_ = std::make_shared<Clock>(disk);
  }

  const char* Name() const override { return "EnvOfDisk"; }
};

}  // namespace

struct cairn_disk_t {
  std::shared_ptr<Disk> rep;
};

extern "C" {

cairn_disk_t* cairn_disk_create(const char* attic) {
  return new cairn_disk_t{std::make_shared<Disk>(attic)};
}

void cairn_disk_destroy(cairn_disk_t* disk) { delete disk; }

// The caller owns it, and destroys it by rocksdb_env_destroy.
rocksdb_env_t* cairn_disk_env(const cairn_disk_t* disk) {
  return new rocksdb_env_t{new DiskEnv(disk->rep), false};
}

void cairn_disk_cut_after(const cairn_disk_t* disk, uint64_t operations) {
  disk->rep->CutAfter(operations);
}

void cairn_disk_cut_behind_log(const cairn_disk_t* disk, uint64_t logs, uint64_t operations) {
  disk->rep->CutBehindLog(logs, operations);
}

bool cairn_disk_is_off(const cairn_disk_t* disk) { return disk->rep->IsOff(); }

void cairn_disk_lie_about_logs(const cairn_disk_t* disk) { disk->rep->LieAboutLogs(); }

bool cairn_disk_restore(const cairn_disk_t* disk, uint64_t seed) {
  return disk->rep->Restore(seed);
}

cairn_disk_counts_t cairn_disk_counts(const cairn_disk_t* disk) {
  return disk->rep->Count();
}

}  // extern "C"
