import { gather, testsIn, TOGETHER } from "../support/gather.ts";

gather(testsIn(TOGETHER.adapters));
