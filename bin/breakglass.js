#!/usr/bin/env node
import { main } from '../dist/breakglass.js';
process.exitCode = await main(process.argv.slice(2));
