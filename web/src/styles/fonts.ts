// The 92-part @font-face list is a sheet of its own, fetched after the first paint: text never waits for it.
import "pretendard/dist/web/variable/pretendardvariable-dynamic-subset.css";
