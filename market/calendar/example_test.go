package calendar_test

import (
	"fmt"
	"time"

	"marketdata/market/calendar"
)

func ExampleByName() {
	nyse, err := calendar.ByName("XNYS")
	if err != nil {
		fmt.Println(err)
		return
	}
	for day := 3; day <= 5; day++ {
		s, isOpen := nyse.Session(time.Date(2024, time.July, day, 0, 0, 0, 0, time.UTC))
		fmt.Println(day, isOpen, s.Open.Format("15:04"), s.Close.Format("15:04"), s.IsEarlyClose)
	}
	// Output:
	// 3 true 13:30 17:00 true
	// 4 false 00:00 00:00 false
	// 5 true 13:30 20:00 false
}

func ExampleDescribe() {
	info, err := calendar.Describe("XTKS")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(info.Location, info.Open, info.Close, info.BreakStart, info.BreakEnd, info.KnownSince.Format(time.DateOnly))
	// Output:
	// Asia/Tokyo 9h0m0s 15h30m0s 11h30m0s 12h30m0s 1997-01-01
}
