"""Lines in, lines out: order, limits, nothing lost, flat memory, both directions at once."""

import asyncio
import json

import pytest

from service.ndjson import BLOCK, LineAnswers, LineSplitter, NumberedLine, Spool, Upload, lines_of


def echo(line):
    return json.dumps([line.number, None if line.body is None else line.body.decode()]).encode()


class Caller:
    """A caller that sends what it is told to, and remembers what it gets."""

    def __init__(self):
        self.sent = asyncio.Queue()
        self.got = []
        self.open = asyncio.Event()
        self.open.set()

    def send(self, body, *, more=True):
        self.sent.put_nowait({"type": "http.request", "body": body, "more_body": more})

    def leave(self):
        self.sent.put_nowait({"type": "http.disconnect"})

    async def receive(self):
        return await self.sent.get()

    async def deliver(self, message):
        await self.open.wait()
        self.got.append(message)

    @property
    def answers(self):
        return b"".join(message.get("body", b"") for message in self.got).splitlines()


async def until(condition):
    """Let other tasks run until something holds."""
    for _ in range(1_000_000):
        if condition():
            return
        await asyncio.sleep(0)
    raise TimeoutError


def split(limit, *chunks):
    """Return the numbered lines of some chunks."""
    splitter = LineSplitter(limit)
    found = [line for chunk in chunks for line in splitter.feed(chunk)]
    return [(line.number, line.body) for line in (*found, *splitter.end())]


class TestLines:
    def test_lines_are_numbered_and_blank_ones_left_out(self):
        """Line numbers are those of the file, whatever stands between."""
        assert [(1, b"a"), (3, b"b"), (4, b"c")] == split(9, b"a\n\nb\r\nc")

    def test_chunks_do_not_matter(self):
        """A line may come in any pieces."""
        assert split(9, b"abc\ndef\n") == split(9, *(bytes([byte]) for byte in b"abc\ndef\n"))

    def test_the_mark_of_utf8_is_dropped(self):
        """Files written on Windows begin with it."""
        assert [(1, b"{}")] == split(9, b"\xef\xbb\xbf{}\n")

    @pytest.mark.parametrize("chunks", [(b"abcdef\nok\n",), (b"abc", b"def", b"ghi\nok")])
    def test_a_long_line_is_named_and_the_next_one_read(self, chunks):
        """Only the line is lost, and said to be."""
        assert [(1, None), (2, b"ok")] == split(4, *chunks)

    def test_a_long_last_line_is_named(self):
        """Though it has no line break."""
        assert [(1, None)] == split(4, b"abcdef")


class TestSpool:
    def test_order_is_kept_across_memory_and_file(self):
        """What does not fit waits in a file, and comes out in its turn."""
        spool, taken = Spool(memory=4), []
        for number in range(10):
            spool.put(b"%d." % number)
            if number % 3 == 0:
                taken.append(spool.take())
        while chunk := spool.take():
            taken.append(chunk)
        spool.close()

        assert b"0.1.2.3.4.5.6.7.8.9." == b"".join(taken)

    def test_memory_is_used_again(self):
        """Once the file is read it starts anew."""
        spool = Spool(memory=2)
        for _ in range(3):
            spool.put(b"ab")
            spool.put(b"cd")
            assert 4 == spool.waiting
            assert b"abcd" == spool.take() + spool.take()
            assert 0 == spool.waiting
        spool.close()


class TestUpload:
    def test_a_caller_that_reads_nothing_is_made_to_wait(self):
        """Beyond the limit on disk nothing more is taken until something is read."""

        async def scenario():
            caller = Caller()
            for _ in range(5):
                caller.send(b"x" * 10)
            caller.send(b"", more=False)
            upload = Upload(caller.receive, memory=10, disk=25)
            taking = asyncio.create_task(upload.run())
            await asyncio.sleep(0.01)
            waiting = caller.sent.qsize()
            body = b"".join([chunk async for chunk in upload.chunks()])
            taking.cancel()
            await asyncio.gather(taking, return_exceptions=True)
            upload.close()
            return waiting, len(body)

        assert (3, 50) == asyncio.run(scenario())

    def test_half_a_line_of_a_caller_that_left_is_no_line(self):
        """What was cut off is not handed on, and the upload says that it was cut."""

        async def scenario():
            caller = Caller()
            caller.send(b"one\ntw")
            caller.leave()
            upload = Upload(caller.receive)
            await upload.run()
            found = [line.body async for line in lines_of(upload, 9)]
            return found, upload.cut

        assert ([b"one"], True) == asyncio.run(scenario())


class TestAnswers:
    def test_an_answer_comes_before_the_next_line_is_sent(self):
        """A caller may wait for each answer."""

        async def scenario():
            caller = Caller()
            answering = asyncio.create_task(LineAnswers(echo, limit=99)({}, caller.receive, caller.deliver))
            seen = []
            for number in range(3):
                caller.send(b"line %d\n" % number)
                await until(lambda number=number: len(caller.answers) > number)
                seen.append(len(caller.answers))
            caller.send(b"", more=False)
            await answering
            return seen, [json.loads(answer) for answer in caller.answers]

        seen, answers = asyncio.run(scenario())
        assert [1, 2, 3] == seen
        assert [[1, "line 0"], [2, "line 1"], [3, "line 2"]] == answers

    def test_everything_may_be_sent_before_anything_is_read(self):
        """The upload is taken though no answer can be delivered; then all answers come, in order."""

        async def scenario():
            caller = Caller()
            caller.open.clear()
            answering = asyncio.create_task(LineAnswers(echo, limit=99)({}, caller.receive, caller.deliver))
            total = 5 * BLOCK // 16
            for number in range(total):
                caller.send(b"%015d\n" % number)
            caller.send(b"", more=False)
            await until(caller.sent.empty)
            caller.open.set()
            await answering
            return total, [json.loads(answer)[0] for answer in caller.answers]

        total, numbers = asyncio.run(scenario())
        assert list(range(1, total + 1)) == numbers

    def test_others_come_in_between(self):
        """Another task runs while lines are answered."""

        async def scenario():
            caller, turns = Caller(), []

            async def other():
                while True:
                    turns.append(1)
                    await asyncio.sleep(0)

            caller.send(b"x\n" * 200, more=False)
            ticking = asyncio.create_task(other())
            await LineAnswers(echo, limit=9)({}, caller.receive, caller.deliver)
            ticking.cancel()
            return len(turns)

        assert asyncio.run(scenario()) >= 200

    def test_nobody_is_answered_after_leaving(self):
        """Work stops when the caller goes away."""

        async def scenario():
            caller, answered = Caller(), []

            def answer(line):
                answered.append(line.number)
                if line.number == 3:
                    caller.leave()
                return b""

            caller.send(b"x\n" * 50)
            await LineAnswers(answer, limit=9)({}, caller.receive, caller.deliver)
            return len(answered)

        assert asyncio.run(scenario()) < 10

    def test_the_closing_line_comes_last(self):
        """Even when there were no lines at all."""

        async def scenario():
            caller = Caller()
            caller.send(b"", more=False)
            await LineAnswers(echo, limit=9, closing=lambda: b"end")({}, caller.receive, caller.deliver)
            return caller.answers, caller.got[-1]["more_body"]

        assert ([b"end"], False) == asyncio.run(scenario())

    def test_a_long_line_is_handed_on_without_its_body(self):
        """So that it can be answered by number."""
        assert NumberedLine(1, None) == next(iter(LineSplitter(1).feed(b"abc\n")))
