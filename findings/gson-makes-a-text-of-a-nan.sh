#!/usr/bin/env bash
# Gson and org.json read the number NaN as the text "NaN".
#
# Python's json writes NaN bare. Into a `Map`, a `JsonObject` or a `JSONObject` both
# libraries take it as a text; written again, it has quotes, and is a text to every
# reader from then on. A field of type double is read as NaN, and so tests with classes do not show it. json-smart
# gives a number and Jackson refuses the record. One would bet on either of these.
#
# Seen with gson 2.11.0, org.json 20250517, json-smart 2.5.2 and jackson-databind 2.18.2
# on Java 17.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
cat >pom.xml <<'POM'
<project>
<modelVersion>4.0.0</modelVersion>
<groupId>probe</groupId><artifactId>probe</artifactId><version>1</version>
<dependencies>
<dependency><groupId>com.google.code.gson</groupId><artifactId>gson</artifactId><version>2.11.0</version></dependency>
<dependency><groupId>org.json</groupId><artifactId>json</artifactId><version>20250517</version></dependency>
<dependency><groupId>net.minidev</groupId><artifactId>json-smart</artifactId><version>2.5.2</version></dependency>
<dependency><groupId>com.fasterxml.jackson.core</groupId><artifactId>jackson-databind</artifactId><version>2.18.2</version></dependency>
</dependencies>
</project>
POM
mvn --quiet dependency:copy-dependencies -DoutputDirectory=jars >/dev/null

cat >Probe.java <<'PROGRAM'
import java.util.Map;
import java.util.concurrent.Callable;

public class Probe {
    static class Row { double loss; }

    static final String RECORD = "{\"loss\": NaN}";

    static void show(String name, Callable<Object> read) {
        try {
            Object loss = read.call();
            System.out.println(name + ": " + loss.getClass().getSimpleName() + " " + loss);
        } catch (Exception error) {
            System.out.println(name + ": " + error.getClass().getSimpleName());
        }
    }

    public static void main(String[] arguments) {
        var gson = new com.google.gson.Gson();
        show("gson, a Map", () -> gson.fromJson(RECORD, Map.class).get("loss"));
        show("gson, a JsonObject", () -> com.google.gson.JsonParser.parseString(RECORD).getAsJsonObject().getAsJsonPrimitive("loss").isString() ? "a text" : "a number");
        show("gson, a class", () -> gson.fromJson(RECORD, Row.class).loss);
        show("gson, the Map written again", () -> gson.toJson(gson.fromJson(RECORD, Map.class)));
        show("org.json", () -> new org.json.JSONObject(RECORD).get("loss"));
        show("org.json, written again", () -> new org.json.JSONObject(RECORD).toString());
        show("json-smart", () -> ((Map<?, ?>) net.minidev.json.JSONValue.parse(RECORD)).get("loss"));
        show("Jackson", () -> new com.fasterxml.jackson.databind.ObjectMapper().readValue(RECORD, Map.class).get("loss"));
    }
}
PROGRAM
java -cp 'jars/*' Probe.java >seen 2>errors || { cat seen errors; exit 1; }
cat seen

diff - seen >difference <<'EXPECTED' || { cat difference; echo "CHANGED"; exit 1; }
gson, a Map: String NaN
gson, a JsonObject: String a text
gson, a class: Double NaN
gson, the Map written again: String {"loss":"NaN"}
org.json: String NaN
org.json, written again: String {"loss":"NaN"}
json-smart: Float NaN
Jackson: JsonParseException
EXPECTED
echo "as stated"
