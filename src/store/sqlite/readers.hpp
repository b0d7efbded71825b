// Reads on SQLite: a few threads with a connection each; every job sees one snapshot of committed state and
// neither waits for the writer nor keeps it waiting (WAL).
#pragma once

#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "store/job_queue.hpp"
#include "store/open.hpp"
#include "store/sqlite/connection.hpp"

namespace countersign::store::sqlite {

class Readers {
 public:
  Readers(std::string path, const Options& options);
  ~Readers() { stop(); }
  Readers(const Readers&) = delete;
  Readers& operator=(const Readers&) = delete;

  void push(std::unique_ptr<Job> job) { queue_.push(std::move(job), JobKind::read); }
  void stop();

 private:
  void loop();
  void run_together(std::unique_ptr<Connection>& connection, std::vector<QueuedJob>& jobs);
  void run_alone(std::unique_ptr<Connection>& connection, QueuedJob& queued);
  static void run(Connection& connection, QueuedJob& queued);

  const std::string path_;
  JobQueue queue_;
  std::vector<std::thread> threads_;
};

}  // namespace countersign::store::sqlite
