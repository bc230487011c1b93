// Print what Redocly's recommended rules find in a description. Argument: its path.
import { createConfig, formatProblems, getTotals, lint } from "@redocly/openapi-core";

const rules = {
  "info-license": "off",
  // The settings add the server.
  "no-empty-servers": "off",
  // One example is invalid on purpose. The Python tests send every example to the API.
  "no-invalid-media-type-examples": "off",
};
const config = await createConfig({ extends: ["recommended"], rules });
const problems = await lint({ ref: process.argv[2], config });
formatProblems(problems, { format: "codeframe", totals: getTotals(problems) });
process.exitCode = problems.length ? 1 : 0;
