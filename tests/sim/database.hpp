// The database as one node sees it: jobs wait, run in an order the seed decides, and go wrong as the seed
// wants; what they are told is what the production drivers would tell them.
#pragma once

#include "sim/store.hpp"
#include "sim/surroundings.hpp"
#include "sim/transaction.hpp"
#include "store/database.hpp"

namespace countersign::sim {

class SimDatabase final : public store::Database {
 public:
  SimDatabase(Surroundings& surroundings, Store& store, Owner owner)
      : surroundings_(surroundings), store_(store), owner_(owner) {}

  [[nodiscard]] store::Dialect dialect() const noexcept override { return store::Dialect::sqlite; }
  void stop() override {}

 private:
  class OpenJob;
  enum class End : std::uint8_t { commit, commit_late, commit_lost, unknown_kept, unknown_lost };

  void enqueue_write(std::unique_ptr<store::Job> job, store::Urgency urgency) override;
  void enqueue_read(std::unique_ptr<store::Job> job) override;
  void write_later(OpenJob job);
  void run_write(OpenJob job);
  void run_read(OpenJob job);
  void run_statements(const std::vector<Postponed>& statements);
  [[nodiscard]] End draw_end();
  [[nodiscard]] Duration latency();
  void settle_later(OpenJob job, Duration delay);
  void fail_later(OpenJob job, std::exception_ptr error, Duration delay);

  Surroundings& surroundings_;
  Store& store_;
  Owner owner_;
};

}  // namespace countersign::sim
