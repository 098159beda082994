#!/usr/bin/env bash
# The Tailer of Apache Commons IO ends for good when its file is away for a moment.
#
# It has a callback `fileNotFound`, and waits for a file that is not there yet when it
# starts. But a file that was there and is renamed away, as every rotation does before the
# new one is made, ends the thread: one `handle(Exception)`, no more lines, and the new file
# is never read. (With reOpen=false, version 2.11.0 tells `rotated` and `fileNotFound` and
# goes on looking.) One would bet on a tailer to wait at its second look as at its first.
#
# Seen with commons-io 2.22.0 on Java 17.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
for artifact in commons-io:commons-io:2.22.0; do
    mvn --quiet dependency:copy -Dartifact="$artifact" -DoutputDirectory=jars >/dev/null
done

cat >Probe.java <<'PROGRAM'
import java.nio.file.*;
import java.time.Duration;
import java.util.*;
import java.util.concurrent.*;
import org.apache.commons.io.input.*;

public class Probe {
    static String run(boolean reOpen) throws Exception {
        Path file = Files.createTempDirectory(Path.of("."), "run").toAbsolutePath().resolve("a.jsonl");
        var told = new LinkedBlockingQueue<String>();
        var listener = new TailerListenerAdapter() {
            @Override public void handle(String line) { told.add("line " + line); }
            @Override public void handle(Exception error) { told.add(error.getClass().getSimpleName()); }
            @Override public void fileNotFound() { told.add("fileNotFound"); }
        };
        var tailer = Tailer.builder().setFile(file.toFile()).setTailerListener(listener)
            .setDelayDuration(Duration.ofMillis(100)).setTailFromEnd(false).setReOpen(reOpen)
            .setStartThread(false).get();
        var thread = new Thread(tailer);
        thread.start();
        var seen = new ArrayList<String>(List.of(told.take()));
        Files.writeString(file, "1\n");
        String next;
        while (!(next = told.take()).equals("line 1")) continue;
        seen.add(next);
        Files.move(file, file.resolveSibling("a.jsonl.1"));
        seen.add(told.take());
        thread.join(5000);
        seen.add("still running: " + thread.isAlive());
        tailer.close();
        return String.join(" | ", seen);
    }

    public static void main(String[] arguments) throws Exception {
        System.out.println("reOpen=false: " + run(false));
        System.out.println("reOpen=true: " + run(true));
        System.exit(0);
    }
}
PROGRAM
java -cp 'jars/*' Probe.java >seen 2>errors || { cat seen errors; exit 1; }
cat seen

diff - seen >difference <<'EXPECTED' || { cat difference; echo "CHANGED"; exit 1; }
reOpen=false: fileNotFound | line 1 | NoSuchFileException | still running: false
reOpen=true: fileNotFound | line 1 | FileNotFoundException | still running: false
EXPECTED
echo "as stated"
