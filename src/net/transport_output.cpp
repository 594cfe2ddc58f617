#include <sys/socket.h>

#include <array>
#include <boost/asio/error.hpp>
#include <boost/asio/post.hpp>

#include "net/transport.hpp"

namespace slipway::net {
namespace asio = boost::asio;
namespace {
/// What one TLS record holds; smaller pieces are put together so that head and body leave in one record.
constexpr std::size_t kTlsRecordBytes = 16 << 10;
/// Records that are written before others on the loop have their turn.
constexpr int kTurnRecords = 16;

}  // namespace

void Transport::write(std::vector<asio::const_buffer> buffers, Done done) {
  buffers_ = std::move(buffers);
  next_buffer_ = 0;
  written_ = 0;
  writing_ = true;
  written(0);  // steps over empty ones
  write_next(std::move(done));
}

bool Transport::write_copy(std::string_view bytes, Done done) {
  const std::size_t put = socket_.is_open() && !finishing_ ? write_now(bytes) : 0;
  if (put == bytes.size()) return true;
  rest_ = bytes.substr(put);
  // What broke breaks this write too, which reports it.
  write({asio::buffer(rest_)}, [this, done = std::move(done)](const ErrorCode& error, std::size_t size) mutable {
    std::string().swap(rest_);
    done(error, size);
  });
  return false;
}

std::size_t Transport::write_now(std::string_view bytes) {
  std::size_t put = 0;
  while (put < bytes.size()) {
    std::size_t step = 0;
    if (tls_) {
      step = tls_->write(bytes.data() + put, bytes.size() - put).bytes;
    } else {
      const ssize_t sent = send(socket_.native_handle(), bytes.data() + put, bytes.size() - put, MSG_NOSIGNAL);
      step = static_cast<std::size_t>(std::max<ssize_t>(sent, 0));
    }
    if (step == 0) break;
    put += step;
  }
  progress_ += put;
  return put;
}

void Transport::write_next(Done done) {
  if (next_buffer_ == buffers_.size()) {
    return asio::post(context_, [self = shared_from_this(), done = std::move(done)]() mutable {
      self->write_over({}, std::move(done));
    });
  }
  tls_ ? write_tls(std::move(done)) : write_plain(std::move(done));
}

void Transport::write_plain(Done done) {
  const auto first = buffers_.begin() + static_cast<std::ptrdiff_t>(next_buffer_);
  socket_.async_write_some(
      std::vector<asio::const_buffer>(first, buffers_.end()),
      [self = shared_from_this(), done = std::move(done)](const ErrorCode& error, std::size_t size) mutable {
        self->written(size);
        const bool all = self->next_buffer_ == self->buffers_.size();
        if (error || all || !self->is_open()) return self->write_over(error, std::move(done));
        self->write_next(std::move(done));
      });
}

asio::const_buffer Transport::next_record() const {
  const auto first = buffers_.begin() + static_cast<std::ptrdiff_t>(next_buffer_);
  if (first->size() >= kTlsRecordBytes || next_buffer_ + 1 == buffers_.size()) return *first;
  // Nobody keeps it longer than until OpenSSL has taken or refused it; a repetition puts the same bytes together.
  thread_local const auto kRecord = std::make_unique<std::array<char, kTlsRecordBytes>>();
  std::size_t size = 0;
  for (auto at = first; at != buffers_.end() && size < kRecord->size(); ++at) {
    size += asio::buffer_copy(asio::buffer(*kRecord) + size, *at);
  }
  return {kRecord->data(), size};
}

void Transport::write_tls(Done done) {
  TlsSocket::Step step;
  for (int records = 0; records < kTurnRecords && next_buffer_ < buffers_.size() && !step.error; ++records) {
    const asio::const_buffer record = next_record();
    step =
        is_open() ? tls_->write(record.data(), record.size()) : TlsSocket::Step{.error = asio::error::bad_descriptor};
    if (step.wants != TlsSocket::Wants::Nothing) break;
    written(step.bytes);
  }
  const bool over = step.error || next_buffer_ == buffers_.size();
  if (over) {
    return asio::post(context_, [self = shared_from_this(), error = step.error, done = std::move(done)]() mutable {
      self->write_over(error, std::move(done));
    });
  }
  wait_for(step.wants == TlsSocket::Wants::Nothing ? TlsSocket::Wants::Output : step.wants,
           [this, done = std::move(done)](const ErrorCode& error) mutable {
             if (error) return write_over(error, std::move(done));
             write_tls(std::move(done));
           });
}

void Transport::written(std::size_t size) {
  progress_ += size;
  written_ += size;
  while (next_buffer_ < buffers_.size() && size >= buffers_[next_buffer_].size()) {
    size -= buffers_[next_buffer_++].size();
  }
  if (next_buffer_ < buffers_.size()) buffers_[next_buffer_] += size;
}

void Transport::write_over(const ErrorCode& error, Done done) {
  writing_ = false;
  std::vector<asio::const_buffer>().swap(buffers_);
  const ErrorCode result = error || socket_.is_open() ? error : ErrorCode(asio::error::operation_aborted);
  done(result, written_);
}

void Transport::end_output() {
  if (!socket_.is_open()) return;
  // Into a record that is half written nothing else can be put.
  const TlsSocket::Step step = tls_ && !writing_ ? tls_->say_goodbye() : TlsSocket::Step{};
  if (step.wants == TlsSocket::Wants::Output) {
    return wait_for(step.wants, [this](const ErrorCode& error) {
      if (!error) end_output();
    });
  }
  ErrorCode ignored;
  socket_.shutdown(Socket::shutdown_send, ignored);
}

}  // namespace slipway::net
