// The DMA's moves of compressed maps. Its codec works at the rates of the plain words: the decoder takes in up to
// read_bytes_per_cycle of code words a cycle and puts out up to so many bytes of words, dropped ones included; the
// encoder likewise takes in write_bytes_per_cycle of words and puts out so many of code words. One response is decoded
// at a time, and one run of adjacent words goes to the buffer in a cycle.
#include "hw/dma.hpp"

#include <algorithm>

namespace heddle {

namespace {

Cycle cycles_for(int bytes, int bytes_per_cycle)
{
    return (bytes + bytes_per_cycle - 1) / bytes_per_cycle;
}

} // namespace

void Dma::issue_encoded_load(MemoryRequest& r)
{
    reader_.issue(r);
}

/// True when the response's last word left the decoder and its code words have had their time.
bool Dma::stream_decoded(Cycle now, const MemoryResponse& r, bool& moved)
{
    if (decoding_since_ == never) {
        if (!io_.fill_out.can_push(now)) return false;
        for (MapReader::Piece& p : reader_.decode(r)) decoded_.push_back(std::move(p));
        decoding_since_ = now;
    }
    if (!decoded_.empty()) moved = decode_words(now, r);
    if (!decoded_.empty() || now < decoded_by(r)) return false;
    decoding_since_ = never;
    return true;
}

/// A cycle of the decoder: drops words, and pushes wanted ones with what is left of the cycle. True when it could.
bool Dma::decode_words(Cycle now, const MemoryResponse& r)
{
    MapReader::Piece& piece = decoded_.front();
    const int per_cycle = std::max(1, hw_.dma.read_bytes_per_cycle * 8 / bits_of(r.region));
    const int dropped = std::min(piece.dropped, per_cycle),
              left = static_cast<int>(piece.values.size()) - streamed_words_;
    piece.dropped -= dropped;
    int pushed = 0;
    if (left > 0 && dropped < per_cycle && io_.fill_out.can_push(now)) {
        FillBeat& beat = io_.fill_out.push(now);
        pushed = std::min({per_cycle - dropped, left, static_cast<int>(beat.word.size())});
        beat.region = r.region;
        beat.tile = r.tile;
        beat.first_word = piece.first_word + streamed_words_;
        beat.count = pushed;
        std::copy_n(piece.values.begin() + streamed_words_, pushed, beat.word.begin());
        streamed_words_ += pushed;
    }
    if (piece.dropped == 0 && pushed == left) {
        decoded_.pop_front();
        streamed_words_ = 0;
    }
    return dropped + pushed > 0;
}

/// The cycle in which its last code word is let through.
Cycle Dma::decoded_by(const MemoryResponse& r) const
{
    return decoding_since_ + cycles_for(r.bytes, hw_.dma.read_bytes_per_cycle) - 1;
}

bool Dma::encode_results(Cycle now)
{
    if (!writer_.active() || !writer_.ready().empty() || now < drain_free_ || !io_.drain_in.can_pop(now)) return false;
    const FillBeat& beat = io_.drain_in.front();
    const int plain_bytes = (beat.count * bits_of(Region::outputs) + 7) / 8;
    const int bytes = std::max(plain_bytes, writer_.take(beat));
    drain_free_ = now + cycles_for(bytes, hw_.dma.write_bytes_per_cycle);
    stores_open_ += static_cast<std::int64_t>(writer_.ready().size()) - 1;
    io_.drain_in.pop(now);
    return true;
}

void Dma::issue_encoded_store(Cycle now)
{
    MemoryRequest& r = io_.request_out.push(now);
    r.region = Region::outputs;
    r.write = true;
    writer_.fill(writer_.ready().front(), r);
    writer_.ready().pop_front();
}

} // namespace heddle
