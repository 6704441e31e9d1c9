// Reads a document with AsyncAPI's own parser; ends with 1 if it finds an error, and says which.
import { readFileSync } from "node:fs";
import { Parser } from "@asyncapi/parser";

const ERROR = 0;
const { document, diagnostics } = await new Parser().parse(readFileSync(process.argv[2], "utf8"));
const errors = diagnostics.filter(({ severity }) => severity === ERROR);
for (const { path, message } of errors) console.log(`${path.join(".") || "document"}: ${message}`);
process.exit(document && errors.length === 0 ? 0 : 1);
