// Reads AsyncAPI documents by the public parser; prints what it finds as JSON, one entry a document.
import { readFile } from "node:fs/promises";
import { Parser } from "@asyncapi/parser";

const parser = new Parser();
const findings = {};
for (const file of process.argv.slice(2)) {
  const { document, diagnostics } = await parser.parse(await readFile(file, "utf8"));
  findings[file] = {
    operations: document ? document.operations().all().map((operation) => operation.id()) : [],
    diagnostics: diagnostics.map(({ severity, code, message, path }) => ({ severity, code, message, path })),
  };
}
console.log(JSON.stringify(findings));
