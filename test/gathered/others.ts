import { gather, testsLeft } from "../support/gather.ts";

gather(testsLeft());
