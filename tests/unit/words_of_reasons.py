"""The parts of sentences by which alerts/sentences.c knows a reason stand in the sentences that the
program can say: whoever rewords one is told here."""

import glob
import os
import re
import unittest

SRC = os.path.join(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))), "src")
KNOWS = os.path.join(SRC, "alerts", "sentences.c")
LITERAL = r'"(?:[^"\\\n]|\\.)*"'


def read(path):
    with open(path, encoding="utf-8") as f:
        return f.read()


def literals(text):
    """String literals, those that stand one behind the other as one."""
    text = re.sub(r"/\*.*?\*/", " ", text, flags=re.S)
    text = re.sub(r"'(?:[^'\\]|\\.)'", " ", text)
    return ["".join(part[1:-1] for part in re.findall(LITERAL, run))
            for run in re.findall(r"%s(?:\s+%s)*" % (LITERAL, LITERAL), text)]


class WordsOfReasons(unittest.TestCase):
    def test_every_part_is_said_somewhere(self):
        table = re.search(r"\} reasons\[\] = \{(.*?)\n\};", read(KNOWS), re.S).group(1)
        parts = literals(table)
        self.assertGreater(len(parts), 10)
        said = [sentence for path in glob.glob(SRC + "/**/*.[ch]", recursive=True)
                if path != KNOWS for sentence in literals(read(path))]
        for part in parts:
            self.assertTrue(any(part in sentence for sentence in said),
                            "no sentence in src says “%s” any more" % part)


if __name__ == "__main__":
    unittest.main()
